/** Our side of the bank's upload channel: a file is offered, its arrival asked about, reports are fetched. */
import { z } from 'zod';
import { toTransportFailure } from '../connectors/transport.ts';

export type BankAccountConfig = {
  readonly url: string;
  readonly apiKey: string;
  /** Ours, that payments leave from. */
  readonly iban: string;
  readonly bic: string | null;
  readonly name: string;
};

export type UploadOutcome =
  | { readonly kind: 'taken' }
  /** The bank has looked at the file and will not carry it out; nothing of it happened. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Proven that the bank never saw it. */
  | { readonly kind: 'not_sent'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

export type Arrival =
  | { readonly kind: 'there'; readonly sha256: string }
  | { readonly kind: 'absent' | 'unknown' };

export type ReportHead = { readonly id: number; readonly kind: string; readonly sha256: string };

export type Bank = {
  readonly account: Pick<BankAccountConfig, 'iban' | 'bic' | 'name'>;
  upload(file: string): Promise<UploadOutcome>;
  /** By the message identifier. */
  arrival(messageId: string): Promise<Arrival>;
  /** Throws when the bank cannot be asked. */
  reports(after: number): Promise<readonly ReportHead[]>;
  report(id: number): Promise<Buffer>;
};

const refusal = z.object({ error: z.string(), reason: z.string().max(100).optional() });
const arrived = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) });
const listed = z.object({
  reports: z
    .array(z.object({ id: z.int().positive(), kind: z.string().max(40), sha256: z.string().max(64) }))
    .max(100),
});

export function openBank(config: BankAccountConfig, timeoutMs: number): Bank {
  const base = config.url.replace(/\/$/, '');
  const call = async (path: string, upload?: string): Promise<Response> => {
    try {
      return await fetch(`${base}${path}`, {
        ...(upload === undefined ? {} : { method: 'POST', body: upload }),
        headers: { authorization: `Bearer ${config.apiKey}`, 'content-type': 'application/xml' },
        signal: AbortSignal.timeout(timeoutMs),
        redirect: 'error',
      });
    } catch (error) {
      throw toTransportFailure(error);
    }
  };
  const mustRead = async (path: string): Promise<Response> => {
    const answer = await call(path);
    if (!answer.ok) throw new Error(`the bank answered ${answer.status}`);
    return answer;
  };

  return {
    account: { iban: config.iban, bic: config.bic, name: config.name },
    async upload(file) {
      let answer: Response;
      try {
        answer = await call('/files', file);
      } catch (error) {
        const failure = toTransportFailure(error);
        return { kind: failure.neverLeft ? 'not_sent' : 'unknown', reason: failure.message };
      }
      if (answer.status === 202) return { kind: 'taken' };
      if (answer.status === 400) {
        const body = refusal.safeParse(await answer.json().catch(() => null)).data;
        return { kind: 'refused', reason: body?.reason ?? 'unreadable' };
      }
      if (answer.status === 401 || answer.status === 403)
        return { kind: 'not_sent', reason: 'not authorised at the bank' };
      // 409: an identifier that was taken before; what became of it is asked.
      return { kind: 'unknown', reason: `status ${answer.status}` };
    },
    async arrival(messageId) {
      try {
        const answer = await call(`/files?messageId=${encodeURIComponent(messageId)}`);
        if (answer.status === 404) return { kind: 'absent' };
        const body = answer.ok ? arrived.safeParse(await answer.json()).data : undefined;
        return body === undefined ? { kind: 'unknown' } : { kind: 'there', sha256: body.sha256 };
      } catch {
        return { kind: 'unknown' };
      }
    },
    reports: async (after) => listed.parse(await (await mustRead(`/reports?after=${after}`)).json()).reports,
    report: async (id) => Buffer.from(await (await mustRead(`/reports/${id}`)).arrayBuffer()),
  };
}
