/** How long and how large a request may be before it is whole: what a client that sends slowly, or never ends, may hold. */
import type { ServerOptions } from 'node:http';

/** Application limits come on top: bodies of 64 KiB (`app.ts`), pages and lists by their schemas. */
export const httpLimits = {
  /** A client or a proxy sends its headers in one packet or a few; ten seconds are a bad mobile line. */
  headersTimeout: 10_000,
  /** Headers and body together: 64 KiB at 3 KiB a second. Nothing that players or providers send is larger. */
  requestTimeout: 20_000,
  /** Longer than the idle time of usual load balancers (60 s): who closes first must not be the one who is being sent to. */
  keepAliveTimeout: 65_000,
  /** All headers with the address; a session token, cookies and the headers of proxies need a quarter of it. */
  maxHeaderSize: 16 * 1024,
  /** How often connections are looked at: a limit is kept within this time. */
  connectionsCheckingInterval: 2_000,
} as const satisfies ServerOptions;
