/** Default of Linux 5.4 and later; before, 128. */
const SOMAXCONN = 4096;

/**
 * The sysctl.d file.
 *
 * @param somaxconn what the host has now; null: unknown. A larger value is not touched.
 */
export function sysctl(somaxconn: number | null): string {
  const backlog =
    somaxconn !== null && somaxconn > SOMAXCONN
      ? ""
      : `
# Clients wait here while maxconn is reached: 128 before Linux 5.4.
net.core.somaxconn = ${SOMAXCONN}
`;
  return `# haproxy-lite binds a virtual address that is on the other host by itself (IP_FREEBIND); this is for other programs
# that are to listen on it. The "-" is for hosts without IPv6.
net.ipv4.ip_nonlocal_bind = 1
-net.ipv6.ip_nonlocal_bind = 1
${backlog}
# Many connections to few servers need many source ports; mind services that listen in this range.
# net.ipv4.ip_local_port_range = 10240 60999
`;
}
