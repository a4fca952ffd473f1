import { createHmac, timingSafeEqual } from "node:crypto";

/** Somebody who may see the page. */
export interface Credential {
  readonly user: string;
  readonly password: string;
}

/** What HAProxy calls it, and tools know. */
export const REALM = 'Basic realm="HAProxy Statistics"';

/**
 * The user whom an Authorization header proves (RFC 7617); null: none. The time it takes depends on no password: all are
 * compared, each as a digest under a key that only this process knows.
 */
export function userOf(header: string | undefined, known: readonly Credential[], secret: Uint8Array): string | null {
  const [, encoded = ""] = /^Basic +([A-Za-z0-9+/_=-]+)$/i.exec(header ?? "") ?? [];
  const given = digest(Buffer.from(encoded, "base64").toString("utf8"), secret);
  let user: string | null = null;
  for (const each of known) {
    if (timingSafeEqual(given, digest(`${each.user}:${each.password}`, secret))) user = each.user;
  }
  return user;
}

/**
 * The token that a form of the page carries: proves that it was this process that gave it to this user, and not another
 * site who has the user's browser send it.
 */
export function csrfToken(user: string, secret: Uint8Array): string {
  return digest(`csrf ${user}`, secret).toString("hex");
}

/** Whether a form's token is the user's. */
export function isToken(given: string, user: string, secret: Uint8Array): boolean {
  return timingSafeEqual(digest(given, secret), digest(csrfToken(user, secret), secret));
}

function digest(text: string, secret: Uint8Array): Buffer {
  return createHmac("sha256", secret).update(text).digest();
}
