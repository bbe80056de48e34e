/** A provider's call to the wallet and its answer, as the dialects see them: whichever server took the call in. */
import type { Logger } from 'pino';

export type WalletCall = {
  readonly method: string;
  /** The address without its query. */
  readonly path: string;
  /** The integration that the address names; empty where it names none. */
  readonly integration: string;
  /** Raw, as it was signed. */
  readonly body: Buffer;
  /** The caller's address, as the trusted proxies tell it; null where there is no socket. */
  readonly address: string | null;
  /** Shared by the answer and every log line. */
  readonly requestId: string;
  /** A header by its lower-case name. */
  header(name: string): string | undefined;
  log(): Logger;
};

export type WalletAnswer = {
  readonly status: number;
  readonly text: string;
  readonly contentType: string;
  /** Seconds after which the call may be repeated. */
  readonly retryAfterS?: number | undefined;
};

/** An answer in JSON text. */
export const jsonAnswer = (text: string, status = 200, retryAfterS?: number): WalletAnswer => ({
  status,
  text,
  contentType: 'application/json; charset=utf-8',
  retryAfterS,
});
