/** What a broken connection proves: refused before a byte left, or nothing at all. */

const refusedCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Carries a transport failure through an SDK that would otherwise repeat the request by itself. */
export class TransportFailure extends Error {
  /** True when it is proven that the PSP never saw the request. */
  readonly neverLeft: boolean;

  constructor(reason: string, neverLeft: boolean, cause: unknown) {
    super(reason, { cause });
    this.name = 'TransportFailure';
    this.neverLeft = neverLeft;
  }
}

/** Finds the code of a network error, however deep a library has wrapped it. */
function codeOf(error: unknown): string | null {
  for (
    let cause: unknown = error, depth = 0;
    cause instanceof Error && depth < 5;
    cause = cause.cause, depth += 1
  ) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
    if (cause instanceof AggregateError) {
      const codes = cause.errors.map(codeOf);
      return codes.find((code) => code !== null && !refusedCodes.has(code)) ?? codes[0] ?? null;
    }
  }
  return null;
}

/** Names a thrown network error; its code is lost on purpose, because SDKs repeat requests by it. */
export function toTransportFailure(error: unknown): TransportFailure {
  if (error instanceof TransportFailure) return error;
  const code = codeOf(error);
  if (code !== null && refusedCodes.has(code))
    return new TransportFailure(`connection refused (${code})`, true, undefined);
  const name = error instanceof Error ? error.name : 'error';
  return new TransportFailure(`no usable answer (${code ?? name})`, false, undefined);
}

/** The transport failure inside what an SDK threw, if there is one. */
export function transportFailureIn(error: unknown): TransportFailure | null {
  if (error instanceof TransportFailure) return error;
  if (typeof error !== 'object' || error === null) return null;
  if ('detail' in error && error.detail instanceof TransportFailure) return error.detail;
  if ('cause' in error && error.cause instanceof TransportFailure) return error.cause;
  return null;
}
