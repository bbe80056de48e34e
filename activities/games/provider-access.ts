/** What an adapter needs to call its provider: where, as whom, and with which key. */
import type { KeyObject } from 'node:crypto';

export type ProviderAccess = {
  /** Without a trailing slash. */
  readonly baseUrl: string;
  /** How we are named there: operator id or casino id. */
  readonly operatorId: string;
  readonly subPartnerId: string | null;
  /** Of dialects whose catalogue is a file. */
  readonly catalogueUrl: string | null;
  /** Our RSA key, or the secret that we share with the provider. */
  readonly signingKey: KeyObject;
};
