/**
 * A webhook that is refused leaves one line in the log, whoever refuses it: its sender answers to nobody of ours, and what it
 * could not tell shows otherwise only in payments and checks that wait.
 */
import type { Context } from 'hono';
import type { FailureCode } from '#domain/failures.ts';
import type { ApiEnv } from './context.ts';
import { logOf } from './request-start.ts';

/** As the inbox names its senders: `psp:alpha`, `kyc:vendor`, `odds-feed`. */
const senderForm = /^\/webhooks\/([a-z-]{1,20})(?:\/([a-z]{1,20}))?$/;

/**
 * The code alone says why. Headers hold signatures, a body the data of players, and an address of another form, which anybody may
 * have written, whatever he likes.
 */
export function noteRefusedWebhook(c: Context<ApiEnv>, code: FailureCode): void {
  const { path } = c.req;
  if (!path.startsWith('/webhooks/')) return;
  const [, party, name] = senderForm.exec(path) ?? [];
  const source = party === undefined ? 'unknown' : name === undefined ? party : `${party}:${name}`;
  logOf(c).warn({ source, code }, 'webhook refused');
}
