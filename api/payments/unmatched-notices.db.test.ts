/** Notices of PSPs that name nothing of ours: a person is shown each once, however often it is delivered. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeWorkItem } from '#activities/payments/commands/work-item-actions.ts';
import { orThrow } from '#domain/failures.ts';
import { signedBy } from '#test/conformance/psp-connector/webhook-signing.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { workItemsOf } from '#test/workflows/payment-world.ts';
import { Secret } from '#workers/secret.ts';

const signing = signedBy.stripe('whsec_unmatched');
let database: TestDatabase;
let app: TestApi;

beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 10 });
  const plain = await createTestApi(database);
  app = await createTestApi(database, {
    config: {
      ...plain.deps.config,
      psp: {
        ...plain.deps.config.psp,
        alpha: {
          url: 'http://127.0.0.1:1',
          apiKey: new Secret('sk'),
          webhookSecret: new Secret('whsec_unmatched'),
        },
      },
    },
  });
  await plain.close();
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

async function deliver(body: string): Promise<void> {
  const headers = signing.headers(body);
  const answer = await app.api.request('/webhooks/psp/alpha', { method: 'POST', body, headers });
  expect(answer.status).toBe(200);
}

const payment = (id: string) => signing.body(`deposit:${randomUUID()}:a1`).replace('evt_contract', id);
const dispute = (id: string) =>
  JSON.stringify({
    id,
    object: 'event',
    type: 'charge.dispute.created',
    created: 1_790_000_000,
    data: { object: { id: `dp_${id}`, object: 'dispute', payment_intent: 'pi_of_nobody', status: 'x' } },
  });

async function close(subject: string): Promise<void> {
  const { id } = await database.db
    .selectFrom('payments.workItem')
    .select('id')
    .where('subject', '=', subject)
    .executeTakeFirstOrThrow();
  await database.db.transaction().execute(async (trx) => {
    orThrow(
      await closeWorkItem(trx, id, { reason: 'of another shop', proof: null, operatorId: randomUUID() }),
    );
  });
}

test.each([
  ['a payment', payment],
  ['a dispute', dispute],
])(
  '%s of nobody is one item, and delivered again it does not reopen what a person has closed',
  async (_, make) => {
    const id = `evt_${randomUUID()}`;
    const subject = `psp:alpha:${id}`;
    const body = make(id);
    await Promise.all([deliver(body), deliver(body), deliver(body)]);
    expect(await workItemsOf(database.db, subject)).toEqual(['unmatched-notice:open']);
    await close(subject);
    await Promise.all([deliver(body), deliver(body)]);
    expect(await workItemsOf(database.db, subject)).toEqual(['unmatched-notice:closed']);
    // Another event is another item.
    const other = `evt_${randomUUID()}`;
    await deliver(make(other));
    expect(await workItemsOf(database.db, `psp:alpha:${other}`)).toEqual(['unmatched-notice:open']);
  },
);
