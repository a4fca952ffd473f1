/** Whose socket it is. */
export interface SocketOwner {
  /** Effective user id of the process. */
  uid: number;
  /** $XDG_RUNTIME_DIR; undefined or empty: the user has none. */
  runtimeDir: string | undefined;
}

/** Where the admin socket is when `[admin] socket` does not say: a directory that only its owner can put files into. */
export function defaultAdminSocket({ uid, runtimeDir }: SocketOwner): string {
  if (uid === 0) return "/run/haproxy-lite/admin.sock";
  return runtimeDir ? `${runtimeDir}/haproxy-lite/admin.sock` : `/tmp/haproxy-lite-${uid}/admin.sock`;
}
