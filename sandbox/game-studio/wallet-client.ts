/** One signed call to the operator's wallet, and what came back, exact to the last digit. */
import { exchange, type Exchanged, type ExchangeFaults } from './http-exchange.ts';
import type { ReadAnswer, WalletWire, WireRequest } from './wallet-wire.ts';

export interface WalletAnswer extends ReadAnswer {
  path: string;
  /** HTTP status, or what broke. */
  http: Exchanged['http'];
  ms: number;
}

export interface CallOptions extends ExchangeFaults {
  timeoutMs: number;
  /** Sent as it is, for bodies that no serialiser would write. */
  rawBody?: string | Buffer;
  /** Signed with a key that nobody was told. */
  forged?: boolean;
  /** In place of the headers that prove the sender. */
  proof?: Record<string, string>;
}

export type WalletClient = (
  wire: WalletWire,
  request: WireRequest,
  options: CallOptions,
) => Promise<WalletAnswer>;

export const callWallet: WalletClient = async (wire, request, options) => {
  const { rawBody, forged, proof, ...rest } = options;
  const content = rawBody ?? request.text;
  const startedAt = performance.now();
  const answer = await exchange({
    url: wire.walletUrl.replace(/\/$/, '') + request.path,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(proof ?? wire.proof(content, forged)),
    },
    body: typeof content === 'string' ? Buffer.from(content, 'utf8') : content,
    ...rest,
  });
  return {
    path: request.path,
    http: answer.http,
    ms: Math.round(performance.now() - startedAt),
    ...(typeof answer.http === 'number' ? wire.read(answer.http, answer.text) : {}),
  };
};
