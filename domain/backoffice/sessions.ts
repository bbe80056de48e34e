/** How long a session of staff lives, and when the failures of one account are too many. */
export const operatorSessionLifetime = { idleMs: 30 * 60_000, absoluteMs: 9 * 3_600_000 } as const;
export const sessionTouchEveryMs = 60_000;
export const signInAttemptsMax = 10;
/** Tries of one address at all accounts together: many people share one, and a list of accounts is longer. */
export const signInAttemptsPerAddressMax = 300;
export const signInWindowMs = 15 * 60_000;
