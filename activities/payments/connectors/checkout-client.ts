/**
 * Checkout.com's own SDK with the network in our hands. The SDK has no deadline with fetch and keeps only the text of a
 * network error, which proves nothing; with axios, an interceptor can set the one and pass the other through.
 */
import axios from 'axios';
import { Disputes, Payments, Reports } from 'checkout-sdk-node';
import { TransportFailure, toTransportFailure } from './transport.ts';

/** An answer with an error status, by its structured codes. */
export class CheckoutRefusal extends Error {
  readonly status: number;
  readonly errorType: string | null;
  readonly errorCode: string | null;

  constructor(status: number, errorType: string | null, errorCode: string | null) {
    super(`status ${status}${errorCode === null ? '' : ` (${errorCode})`}`);
    this.name = 'CheckoutRefusal';
    this.status = status;
    this.errorType = errorType;
    this.errorCode = errorCode;
  }
}

/** Answers are unparsed: the SDK's types promise nothing about them. Throws TransportFailure or CheckoutRefusal. */
export type CheckoutClient = {
  request(body: object, key: string): Promise<unknown>;
  list(reference: string): Promise<unknown>;
  get(id: string): Promise<unknown>;
  actions(id: string): Promise<unknown>;
  refund(id: string, body: object, key: string): Promise<unknown>;
  capture(id: string, body: object, key: string): Promise<unknown>;
  void(id: string, body: object, key: string): Promise<unknown>;
  dispute(id: string): Promise<unknown>;
  acceptDispute(id: string): Promise<unknown>;
  /** Keeps evidence; a repeat replaces it. */
  provideEvidence(id: string, body: object): Promise<unknown>;
  /** For good. Calls about disputes take no idempotency key. */
  submitEvidence(id: string): Promise<unknown>;
  submitArbitrationEvidence(id: string): Promise<unknown>;
  /** Reports that were made between two ISO times. */
  reports(from: string, to: string): Promise<unknown>;
};

/** The resource class instead of the SDK's main one, which would let environment variables replace the given key. */
export function openCheckoutClient(url: string, apiKey: string, timeoutMs: number): CheckoutClient {
  const host = url.replace(/\/$/, '');
  overseeRequestsTo(host, timeoutMs);
  const access = { host, sk: `Bearer ${apiKey}`, httpClient: 'axios', headers: {} };
  const payments = new Payments(access);
  const disputes = new Disputes(access);
  const reports = new Reports(access);
  return {
    request: (body, key) => told(() => payments.request(body, key)),
    list: (reference) => told(() => payments.getPaymentList({ reference: encodeURIComponent(reference) })),
    get: (id) => told(() => payments.get(encodeURIComponent(id))),
    actions: (id) => told(() => payments.getActions(encodeURIComponent(id))),
    refund: (id, body, key) => told(() => payments.refund(encodeURIComponent(id), body, key)),
    capture: (id, body, key) => told(() => payments.capture(encodeURIComponent(id), body, key)),
    void: (id, body, key) => told(() => payments.void(encodeURIComponent(id), body, key)),
    dispute: (id) => told(() => disputes.getDetails(encodeURIComponent(id))),
    acceptDispute: (id) => told(() => disputes.accept(encodeURIComponent(id))),
    provideEvidence: (id, body) => told(() => disputes.provideEvidence(encodeURIComponent(id), body)),
    submitEvidence: (id) => told(() => disputes.submit(encodeURIComponent(id))),
    submitArbitrationEvidence: (id) => told(() => disputes.submitArbitrationEvidence(encodeURIComponent(id))),
    reports: (from, to) =>
      told(() =>
        reports.getAllReports({
          created_after: encodeURIComponent(from),
          created_before: encodeURIComponent(to),
        }),
      ),
  };
}

const deadlinesMs = new Map<string, number>();

const deadlineOf = (address: string | undefined): number | undefined =>
  [...deadlinesMs].find(([host]) => address?.startsWith(`${host}/`))?.[1];

/** What the SDK finds where it expects an answer: it passes `data` on as it is. */
class BrokenRequest extends Error {
  readonly response: { readonly status: 0; readonly data: TransportFailure };

  constructor(failure: TransportFailure) {
    super('the request broke');
    this.response = { status: 0, data: failure };
  }
}

/** The SDK uses axios' shared instance; requests to other hosts pass untouched. */
function overseeRequestsTo(host: string, timeoutMs: number): void {
  const isFirst = deadlinesMs.size === 0;
  deadlinesMs.set(host, timeoutMs);
  if (!isFirst) return;
  axios.interceptors.request.use((request) => {
    const deadlineMs = deadlineOf(request.url);
    if (deadlineMs === undefined) return request;
    request.signal = AbortSignal.timeout(deadlineMs);
    request.maxRedirects = 0;
    request.proxy = false;
    return request;
  });
  axios.interceptors.response.use(undefined, (error: unknown) => {
    const isOurs = axios.isAxiosError(error) && deadlineOf(error.config?.url) !== undefined;
    if (isOurs && error.response === undefined) throw new BrokenRequest(toTransportFailure(error));
    throw error;
  });
}

async function told(call: () => Promise<unknown>): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    throw asFailure(error);
  }
}

/** The SDK's errors carry `http_code` and `body`; what has neither was refused by the SDK before anything left. */
function asFailure(error: unknown): Error {
  if (typeof error !== 'object' || error === null)
    return new Error('Invariant broken: the SDK threw no error');
  const body: unknown = 'body' in error ? error.body : undefined;
  if (body instanceof TransportFailure) return body;
  if (error instanceof Error && error.name === 'ValueError')
    return new CheckoutRefusal(422, 'request_invalid', 'refused_by_sdk');
  const status: unknown = 'http_code' in error ? error.http_code : undefined;
  if (typeof status !== 'number' || status === 0) return toTransportFailure(error);
  return new CheckoutRefusal(status, textIn(body, 'error_type'), firstIn(body, 'error_codes'));
}

function textIn(body: unknown, name: string): string | null {
  const value = fieldIn(body, name);
  return typeof value === 'string' ? value.slice(0, 100) : null;
}

function firstIn(body: unknown, name: string): string | null {
  const value = fieldIn(body, name);
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  return typeof first === 'string' ? first.slice(0, 100) : null;
}

const fieldIn = (body: unknown, name: string): unknown =>
  typeof body === 'object' && body !== null
    ? Object.entries(body).find(([key]) => key === name)?.[1]
    : undefined;
