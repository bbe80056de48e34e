/** How an a8r call is served, whichever its version: the signature over raw bytes first, refusals in the version's words. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import { isDatabaseUnavailable } from '#db/connect.ts';
import type { Asset } from '#domain/assets.ts';
import { fail, FailureError, orThrow, type Failure, type FailureCode } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';
import type { ApiDeps } from '../context.ts';
import { retryAfterSOf } from '../problem.ts';
import { mayCallFrom } from './caller-check.ts';
import { isReadAsJson, parseExactBody } from './exact-json.ts';
import {
  createIntegrationDirectory,
  type Integration,
  type IntegrationDirectory,
} from './integration-directory.ts';
import { jsonAnswer, type WalletAnswer, type WalletCall } from './wallet-call.ts';

export type A8rCall = {
  readonly deps: ApiDeps;
  readonly directory: IntegrationDirectory;
  readonly integration: Integration;
  readonly body: unknown;
};

/** A refusal with the balance that the wire shows beside it, in ledger units of `asset`. */
export class WalletRefused extends FailureError {
  readonly balance: { readonly units: Units; readonly asset: Asset } | null;
  constructor(failure: Failure, balance: WalletRefused['balance']) {
    super(failure);
    this.balance = balance;
  }
}

export const refuse = (...failure: Parameters<typeof fail>): never => orThrow<never>(fail(...failure));

/** Compares in constant time; the hex has to be lower case, as the dialect says. */
function isSignedWith(raw: Buffer, signature: string | undefined, { callerKeys }: Integration): boolean {
  if (!signature || !/^[0-9a-f]{64}$/.test(signature)) return false;
  const given = Buffer.from(signature, 'hex');
  return callerKeys.some((key) => timingSafeEqual(createHmac('sha256', key).update(raw).digest(), given));
}

/** The body; `malformed-json` for anything but JSON in UTF-8 without repeated keys. */
function parseBody(raw: Buffer): unknown {
  try {
    return parseExactBody(raw);
  } catch {
    return refuse('malformed-json', 'The body is not JSON, or repeats a key.');
  }
}

/** The body in a shape; `invalid-request` otherwise. */
export function parsed<T extends z.ZodType>(schema: T, body: unknown): z.infer<T> {
  const result = schema.safeParse(body);
  return result.success
    ? result.data
    : refuse('invalid-request', 'The body does not have the shape of this call.');
}

export type A8rVersion = {
  readonly dialect: 'a8r-v2' | 'a8r-v1';
  /** The signature in lower-case hex, wherever this version carries it. */
  signatureOf(header: (name: string) => string | undefined): string | undefined;
  /** The refusal in the version's words; a failure of null is a bug of ours. */
  refusal(failure: Failure | null, balance: WalletRefused['balance']): WalletAnswer;
};

export type A8rOperation = (call: A8rCall) => Promise<string>;

/** Serves the calls of one version: signature first, then the body, then the operation, whose answer is JSON text. */
export function serveA8r(
  deps: ApiDeps,
  version: A8rVersion,
): (operation: A8rOperation) => (call: WalletCall) => Promise<WalletAnswer> {
  const directory = createIntegrationDirectory(deps, version.dialect);
  return (operation) => async (call) => {
    let source: string | undefined;
    try {
      const integration = await directory.integration(call.integration);
      source = integration?.id;
      const signature = version.signatureOf((name) => call.header(name));
      if (
        !integration ||
        !mayCallFrom(integration, call.address) ||
        !isSignedWith(call.body, signature, integration)
      )
        return refuse('invalid-signature', 'The signature does not fit.');
      if (!isReadAsJson(call.header('content-type')))
        return refuse('unsupported-media-type', 'Send application/json.');
      const answer = await operation({ deps, directory, integration, body: parseBody(call.body) });
      return jsonAnswer(answer);
    } catch (error) {
      return refuseCall(call, version, source, error);
    }
  };
}

/** Nobody decided the call: either nothing happened, or a repeat tells what did. The caller is to come back. */
export const isUndecided = (code: FailureCode): boolean =>
  code === 'overloaded' || code === 'dependency-unavailable';

/** An answer to a call that nobody decided, with the pause after which it is to be repeated. */
export const answerUndecided = (text: string, failure: Failure): WalletAnswer =>
  jsonAnswer(text, 503, retryAfterSOf(failure));

function refuseCall(
  call: WalletCall,
  version: A8rVersion,
  integration: string | undefined,
  error: unknown,
): WalletAnswer {
  const log = call.log().child({ dialect: version.dialect, integration });
  if (error instanceof FailureError) {
    const { code } = error.failure;
    if (isUndecided(code)) log.warn({ code }, 'wallet call not decided');
    else log.info({ code }, 'wallet call refused');
    return version.refusal(error.failure, error instanceof WalletRefused ? error.balance : null);
  }
  if (isDatabaseUnavailable(error)) {
    log.warn('wallet call while the ledger is away');
    return version.refusal(fail('dependency-unavailable', 'The outcome is not known.').failure, null);
  }
  log.error({ error }, 'wallet call failed');
  return version.refusal(null, null);
}
