# The office's SFTP server for partners. DEBIAN_IMAGE: the same base in another registry, or by its digest.
ARG DEBIAN_IMAGE=docker.io/library/debian:bookworm-slim
FROM ${DEBIAN_IMAGE}
RUN apt-get update && apt-get install --yes --no-install-recommends openssh-server busybox && apt-get clean && rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_*
COPY docker/sshd_config /etc/ssh/sshd_config
COPY --chmod=0755 docker/sftp-server.sh /usr/local/sbin/sftp-server
CMD ["sftp-server"]
