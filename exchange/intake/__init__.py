"""From a partner's folder to a claimed batch: what lies there, what is complete, which lane it takes."""
