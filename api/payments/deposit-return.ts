/** Where a PSP sends the player's browser after a challenge: keeps what it brings, tells the workflow, shows the state. */
import { html } from 'hono/html';
import { createRoute, z } from '@hono/zod-openapi';
import { recordReturn } from '#activities/payments/commands/record-return.ts';
import { moneyOf } from '#activities/payments/payment-rows.ts';
import { orThrow } from '#domain/failures.ts';
import type { DepositState } from '#domain/payments/withdrawal-decision.ts';
import { logOf } from '../request-start.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../context.ts';
import { plainPage, plainPageHeaders, type Html } from '../plain-page.ts';
import { problemResponses } from '../problem.ts';
import { idParam } from '../schemas.ts';
import { toApiDeposit } from './payment-schemas.ts';
import { resumeDeposit } from './run-payments.ts';

const route = createRoute({
  method: 'get',
  path: '/v1/deposits/{id}/return',
  operationId: 'returnFromChallenge',
  tags: ['payments'],
  summary: 'Return address for the browser after a challenge; shows how the deposit stands',
  description:
    'Opened by the PSP with a token of its own, so the browser needs no session. PSPs add parameters of theirs.',
  request: {
    params: idParam,
    query: z.looseObject({
      t: z
        .string()
        .regex(/^[\w-]{20,64}$/)
        .openapi({ description: 'Names the attempt.' }),
    }),
  },
  responses: {
    200: {
      description: 'A page with the state and a link back to the site',
      content: { 'text/html': { schema: z.string() } },
    },
    ...problemResponses('invalid-request', 'not-found'),
  },
});

const words: Record<DepositState, string> = {
  requested: 'Your payment is being processed.',
  processing: 'Your payment is being processed.',
  'awaiting-action': 'Your bank still waits for your confirmation.',
  authorised: 'Your payment is confirmed and will be credited after a check.',
  captured: 'Your payment has arrived.',
  failed: 'Your payment was not made. Nothing was taken.',
  parked: 'Your payment is being looked at by our team.',
};

export function mountDepositReturn(api: Api, deps: ApiDeps): void {
  api.openapi(route, async (c) => {
    const { id } = c.req.valid('param');
    const { t: returnToken, ...brought } = c.req.valid('query');
    const parameters = Object.fromEntries(
      Object.entries(brought).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
    );
    const returned = orThrow(await recordReturn(deps.db, id, { returnToken }, parameters));
    if (returned.isOpen) {
      try {
        await resumeDeposit(deps, id);
      } catch (error) {
        // The row keeps what came back; the workflow reads it at its next question.
        logOf(c).warn({ error, depositId: id }, 'a return could not be told');
      }
    }
    const row = await deps.db
      .selectFrom('payments.deposit')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    const { state } = toApiDeposit(row, null);
    const { amount, asset } = moneyOf(row);
    return c.html(page(words[state], `${amount} ${asset}`, row.returnUrl, state), 200, plainPageHeaders);
  });
}

const page = (sentence: string, amount: string, back: string, state: string): Html =>
  plainPage(
    'Deposit',
    html`<h1 data-state="${state}">${amount}</h1>
      <p>${sentence}</p>
      <p><a href="${back}">Back</a></p>`,
  );
