"""What goes over the wire: manifests, envelopes and signatures, keys, GB 18030, SFTP."""
