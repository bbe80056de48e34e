/** One signed call to the operator's wallet, and what came back, exact to the last digit. */
import type { KeyObject } from 'node:crypto';
import { exactJsonText, parseExactJson } from '../support/exact-json.ts';
import { signatureHeader, signBody } from './hub88-signature.ts';

export type WalletPath =
  | '/user/info'
  | '/user/balance'
  | '/transaction/bet'
  | '/transaction/win'
  | '/transaction/rollback';

export interface WalletAnswer {
  path: WalletPath;
  /** HTTP status, or what broke. */
  http: number | 'timeout' | 'network' | 'dropped';
  /** RS_…; undefined when no readable answer came. */
  status: string | undefined;
  balance: bigint | undefined;
  ms: number;
}

export interface CallOptions {
  timeoutMs: number;
  /** Sent as it is, for bodies that no serialiser would write. */
  rawBody?: string;
  /** Another key than the studio's, to be refused. */
  key?: KeyObject;
  /** The request is written, the answer is not waited for. */
  dropReplyAfterMs?: number;
}

export type WalletClient = ReturnType<typeof createWalletClient>;

export function createWalletClient(walletUrl: string, privateKey: KeyObject) {
  const base = walletUrl.replace(/\/$/, '');

  return async function call(path: WalletPath, body: object, options: CallOptions): Promise<WalletAnswer> {
    const text = options.rawBody ?? exactJsonText(body);
    const startedAt = performance.now();
    const answered = (http: WalletAnswer['http'], status?: string, balance?: bigint): WalletAnswer => ({
      path,
      http,
      status,
      balance,
      ms: Math.round(performance.now() - startedAt),
    });
    const { dropReplyAfterMs } = options;
    try {
      const response = await fetch(base + path, {
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          [signatureHeader]: signBody(text, options.key ?? privateKey),
        },
        body: text,
        signal: AbortSignal.timeout(dropReplyAfterMs ?? options.timeoutMs),
      });
      const answer = readAnswer(await response.text());
      return answered(response.status, response.status === 200 ? answer.status : undefined, answer.balance);
    } catch (error) {
      const timedOut = error instanceof Error && error.name === 'TimeoutError';
      return answered(
        dropReplyAfterMs !== undefined && timedOut ? 'dropped' : timedOut ? 'timeout' : 'network',
      );
    }
  };
}

function readAnswer(text: string): { status?: string; balance?: bigint } {
  let parsed: unknown;
  try {
    parsed = parseExactJson(text);
  } catch {
    return {};
  }
  if (typeof parsed !== 'object' || parsed === null) return {};
  const { status, balance } = parsed as { status?: unknown; balance?: unknown };
  return {
    ...(typeof status === 'string' ? { status } : {}),
    ...(typeof balance === 'bigint' ? { balance } : {}),
  };
}
