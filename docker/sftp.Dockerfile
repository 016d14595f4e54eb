# The office's SFTP server for partners. Not built where this was written (no Docker daemon there); the script and the configuration
# were run there under Debian 12's sshd.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends openssh-server busybox && rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_*
COPY docker/sshd_config /etc/ssh/sshd_config
COPY --chmod=0755 docker/sftp-server.sh /usr/local/sbin/sftp-server
CMD ["sftp-server"]
