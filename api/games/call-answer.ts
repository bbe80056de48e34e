/** An answer to a wallet call: JSON text under plain headers, which the server writes as they stand. */
import type { Context } from 'hono';
import type { ApiEnv } from '../context.ts';
import { answerHeaders } from '../request-start.ts';

export const answerCall = (
  c: Context<ApiEnv>,
  text: string,
  status = 200,
  more: Readonly<Record<string, string>> = {},
): Response =>
  new Response(text, {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...answerHeaders(c), ...more },
  });
