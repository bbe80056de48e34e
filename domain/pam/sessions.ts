/** How long a session lives, per realm, and when the failures of one account are too many. */

export type SessionLifetime = { readonly idleMs: number; readonly absoluteMs: number };

export const playerSessionLifetime: SessionLifetime = { idleMs: 30 * 60_000, absoluteMs: 12 * 3_600_000 };

/** `seen_at` and the idle deadline move at most this often, so that reading is not writing. */
export const sessionTouchEveryMs = 60_000;

/** Tries per account and address before sign-in is refused for the rest of the window. */
export const signInAttemptsMax = 10;
/** Tries of one address at all accounts together: many people share one, and a list of accounts is longer. */
export const signInAttemptsPerAddressMax = 300;
export const signInWindowMs = 15 * 60_000;

/** An e-mail address as it is compared: what a player types in capitals is still the same address. */
export const normaliseEmail = (email: string): string => email.trim().normalize('NFKC').toLowerCase();
