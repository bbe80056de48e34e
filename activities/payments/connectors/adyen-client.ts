/** The HTTP client that Adyen's SDK is given: our address instead of its fixed hosts, one deadline, no repeats. */
import { Client, EnvironmentEnum, type Config } from './adyen-sdk.ts';
import { toTransportFailure } from './transport.ts';

/** An answer with an error status, by its structured code. */
export class AdyenRefusal extends Error {
  readonly status: number;
  readonly errorCode: string | null;
  /** Adyen's word that a repeat with the same key may end otherwise. */
  readonly isTransient: boolean;

  constructor(status: number, errorCode: string | null, isTransient: boolean) {
    super(`status ${status}${errorCode === null ? '' : ` (${errorCode})`}`);
    this.name = 'AdyenRefusal';
    this.status = status;
    this.errorCode = errorCode;
    this.isTransient = isTransient;
  }

  /** Turned away by its content, and so for ever; being busy, or an account's rights, say nothing of the content. */
  get isOfContent(): boolean {
    return (this.status === 400 || this.status === 422) && this.errorCode !== null && !this.isTransient;
  }
}

type Request = { idempotencyKey?: string; method?: string };

/** Sends what the SDK wants to send to `baseUrl`; the path stays the SDK's. Throws TransportFailure or AdyenRefusal. */
export function openAdyenClient(baseUrl: string, apiKey: string, timeoutMs: number): Client {
  const base = baseUrl.replace(/\/$/, '');
  const request = async (
    endpoint: string,
    json: string | Buffer,
    _config: Config,
    _keyed: boolean,
    options?: Request,
  ) => {
    const address = new URL(endpoint);
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${base}${address.pathname}${address.search}`, {
        method: options?.method ?? 'POST',
        headers: {
          'content-type': 'application/json',
          'x-api-key': apiKey,
          ...(options?.idempotencyKey ? { 'idempotency-key': options.idempotencyKey } : {}),
        },
        body: typeof json === 'string' ? json : new Uint8Array(json),
        signal: AbortSignal.timeout(timeoutMs),
        redirect: 'error',
      });
      text = await response.text();
    } catch (error) {
      throw toTransportFailure(error);
    }
    const body = parse(text);
    if (!response.ok) {
      throw new AdyenRefusal(
        response.status,
        errorCodeOf(body),
        response.headers.get('transient-error') === 'true',
      );
    }
    // The SDK would answer with the bare text; what cannot be read proves nothing.
    if (body === undefined) throw toTransportFailure(new Error('unreadable answer'));
    return text;
  };
  return new Client({ environment: EnvironmentEnum.TEST, apiKey }, { request });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const errorCodeOf = (body: unknown): string | null =>
  typeof body === 'object' && body !== null && 'errorCode' in body && typeof body.errorCode === 'string'
    ? body.errorCode
    : null;
