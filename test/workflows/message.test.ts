/** One mail that a fact asks for, under skipped time: sent, not needed any more, or recorded as failed. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { createTransport, type Transporter } from 'nodemailer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMessageActivities } from '#activities/crm/messages.ts';
import { createKeyRing } from '#activities/pam/key-ring.ts';
import { sealPersonalData } from '#activities/personal-data.ts';
import type { TemplateName } from '#domain/crm/templates.ts';
import { eventRoutes } from '#workers/event-routes.ts';
import { messageWorkflowId } from '#workflows/message.contract.ts';
import type { message } from '#workflows/message.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makePlayer } from '#test/support/factories.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';

const keyRing = createKeyRing({ kek: randomBytes(32), blindIndexKey: randomBytes(32) });
const keeping = createTransport({ jsonTransport: true });
const unreachable = createTransport({ host: '127.0.0.1', port: 1, connectionTimeout: 500 });

let database: TestDatabase;
let workflows: WorkflowEnvironment;

const run = <T>(fn: (client: Client) => Promise<T>, transport: Transporter = keeping): Promise<T> =>
  workflows.runWorkflows(
    {
      activities: {
        batch: createMessageActivities({
          db: database.db,
          keyRing,
          mailer: { transport, from: 'no-reply@pitboss.localhost' },
          publicUrl: 'http://127.0.0.1:8080',
        }),
      },
    },
    fn,
  );

async function player(): Promise<{ id: string; brand: string }> {
  const made = await makePlayer(database.db, {});
  await database.db.transaction().execute((trx) =>
    sealPersonalData(trx, keyRing, made.id, {
      general: { email: `${made.id}@example.org` },
      aml: { firstName: 'Ada', lastName: 'Lovelace', dateOfBirth: '1990-12-10' },
    }),
  );
  return made;
}

/** Through the relay's own route, twice, as it may deliver. */
async function announce(
  client: Client,
  template: TemplateName,
  { id, brand }: { id: string; brand: string },
) {
  const messageId = randomUUID();
  const fact = { version: 1, brand, playerId: id, eventId: '1' } as const;
  for (const _ of [1, 2])
    await (template === 'password-reset'
      ? eventRoutes['pam.password-reset.requested']?.(client, {
          ...fact,
          type: 'pam.password-reset.requested',
          payload: { playerId: id, resetId: messageId },
        })
      : eventRoutes['pam.password.changed']?.(client, {
          ...fact,
          type: 'pam.password.changed',
          payload: { playerId: id, changeId: messageId, by: 'reset' },
        }));
  return client.workflow.getHandle<typeof message>(messageWorkflowId(messageId));
}

const statesOf = async (playerId: string) =>
  (
    await database.db
      .selectFrom('crm.message')
      .select(['template', 'state'])
      .where('playerId', '=', playerId)
      .execute()
  ).map(({ template, state }) => `${template} ${state}`);

describeWorkflows('a message', () => {
  beforeAll(async () => {
    [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
  }, 60_000);
  afterAll(async () => {
    await workflows?.close();
    await database?.drop();
  });

  test('is sent once for a fact that is told twice', async () => {
    const who = await player();
    await run(async (client) => {
      const handle = await announce(client, 'password-changed', who);
      expect(await handle.result()).toBe('sent');
      await workflows.exportHistory(handle, 'message.sent');
    });
    expect(await statesOf(who.id)).toEqual(['password-changed sent']);
  });

  test('is not sent when its reason has gone: the reset is over', async () => {
    const who = await player();
    await run(async (client) => {
      const handle = await announce(client, 'password-reset', who);
      expect(await handle.result()).toBe('not-needed');
      await workflows.exportHistory(handle, 'message.not-needed');
    });
  });

  test('that no mail server takes is recorded as failed', async () => {
    const who = await player();
    await run(async (client) => {
      const handle = await announce(client, 'password-changed', who);
      expect(await handle.result()).toBe('failed');
      await workflows.exportHistory(handle, 'message.mail-server-away');
    }, unreachable);
    expect(await statesOf(who.id)).toEqual(['password-changed failed']);
  });
});
