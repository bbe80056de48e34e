/** How long a session of staff lives, and when the failures of one account are too many. */
export const operatorSessionLifetime = { idleMs: 30 * 60_000, absoluteMs: 9 * 3_600_000 } as const;
export const sessionTouchEveryMs = 60_000;
export const signInAttemptsMax = 10;
export const signInWindowMs = 15 * 60_000;
