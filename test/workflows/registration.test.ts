/** The clock of a registration under skipped time: verified by the mail's token, reminded, closed, asked for again. */
import { randomBytes, randomUUID } from 'node:crypto';
import { TypedSearchAttributes } from '@temporalio/common';
import { createTransport, type Transporter } from 'nodemailer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMessageActivities } from '#activities/crm/messages.ts';
import { registerPlayer } from '#activities/pam/commands/register-player.ts';
import { verifyEmail } from '#activities/pam/commands/verify-email.ts';
import { createKeyRing } from '#activities/pam/key-ring.ts';
import { createRegistrationActivities } from '#activities/pam/registrations.ts';
import { hashToken } from '#activities/tokens.ts';
import type { Client } from '@temporalio/client';
import { orThrow } from '#domain/failures.ts';
import { verificationMailsMax } from '#domain/pam/registration.ts';
import { emailVerified, registrationStart, verificationRequested } from '#workflows/registration.contract.ts';
import type { registration } from '#workflows/registration.ts';
import { Secret } from '#workers/secret.ts';
import { seed } from '#workers/seed.ts';
import { createTestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';

const keyRing = createKeyRing({ kek: randomBytes(32), blindIndexKey: randomBytes(32) });
const mails: { playersMail: string; text: string }[] = [];
// Keeps what it is given instead of sending it; the way over real SMTP is tested with the API.
const keeping = createTransport({ jsonTransport: true });
const unreachable = createTransport({ host: '127.0.0.1', port: 1, connectionTimeout: 500 });

let database: TestDatabase;
let workflows: WorkflowEnvironment;

async function register(): Promise<{ playerId: string; email: string }> {
  const playerId = randomUUID();
  const email = `${playerId}@example.org`;
  const person = { firstName: 'Ada', lastName: 'Lovelace', dateOfBirth: '1990-12-10', country: 'MT' };
  const account = {
    brand: 'aurora',
    jurisdiction: 'MT',
    currency: 'EUR',
    termsVersion: 1,
    affiliateCode: null,
  };
  const wish = { id: playerId, email, password: 'a long enough password', ...person, ...account };
  orThrow(await registerPlayer({ db: database.db, keyRing }, wish));
  return { playerId, email };
}

const run = <T>(fn: (client: Client) => Promise<T>, transport: Transporter = keeping): Promise<T> =>
  workflows.runWorkflows(
    {
      activities: {
        player: createRegistrationActivities({ db: database.db }),
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

function start(client: Client, playerId: string) {
  const { typedSearchAttributes, ...options } = registrationStart({
    playerId,
    brand: 'aurora',
    jurisdiction: 'MT',
  });
  return client.workflow.start<typeof registration>('registration', {
    ...options,
    typedSearchAttributes: new TypedSearchAttributes(typedSearchAttributes),
  });
}

const mailsTo = (email: string) => mails.filter((mail) => mail.playersMail === email);

async function until(reached: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!reached()) {
    if (Date.now() > deadline) throw new Error('It did not happen in ten seconds');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function stateOf(playerId: string) {
  const player = await database.db
    .selectFrom('pam.player')
    .select('status')
    .where('id', '=', playerId)
    .executeTakeFirstOrThrow();
  const sent = await database.db
    .selectFrom('crm.message')
    .select(['template', 'state'])
    .where('playerId', '=', playerId)
    .orderBy('queuedAt')
    .execute();
  return { status: player.status, messages: sent.map((message) => `${message.template} ${message.state}`) };
}

describeWorkflows('a registration', () => {
  beforeAll(async () => {
    [database, workflows] = await Promise.all([createTestDatabase(), createWorkflowEnvironment()]);
    await seed(database.db, {
      gameStudio: undefined,
      seed: { operators: [] },
      keys: {
        keyEncryption: new Secret(randomBytes(32)),
        blindIndex: new Secret(randomBytes(32)),
        payloadCodec: new Secret(randomBytes(32)),
      },
    });
    keeping.use('compile', (mail, done) => {
      const to = mail.data.to;
      const playersMail = typeof to === 'object' && 'address' in to ? to.address : undefined;
      mails.push({
        playersMail: playersMail ?? '',
        text: typeof mail.data.text === 'string' ? mail.data.text : '',
      });
      done();
    });
  }, 60_000);
  afterAll(async () => {
    await workflows?.close();
    await database?.drop();
  });

  test('ends when the token of the mail is used; a poke without that is not believed', async () => {
    const { playerId, email } = await register();
    await run(async (client) => {
      const handle = await start(client, playerId);
      await until(() => mailsTo(email).length === 1);
      await handle.signal(emailVerified);
      const token = /token=([\w-]{43})/.exec(mailsTo(email)[0]?.text ?? '')?.[1] ?? '';
      orThrow(await verifyEmail(database.db, hashToken(token)));
      await handle.signal(emailVerified);
      expect(await handle.result()).toBe('verified');
      await workflows.exportHistory(handle, 'registration.verified');
    });
    expect(await stateOf(playerId)).toEqual({ status: 'active', messages: ['verify-email sent'] });
  });

  test('is reminded once after a day and closed after seven', async () => {
    const { playerId, email } = await register();
    await run(async (client) => {
      const handle = await start(client, playerId);
      expect(await handle.result()).toBe('closed');
      await workflows.exportHistory(handle, 'registration.closed');
    });
    expect(await stateOf(playerId)).toEqual({
      status: 'closed',
      messages: ['verify-email sent', 'verify-email-reminder sent'],
    });
    expect(mailsTo(email)).toHaveLength(2);
  });

  test('a lost poke costs nothing: the row is read at the deadline', async () => {
    const { playerId, email } = await register();
    await run(async (client) => {
      const handle = await start(client, playerId);
      await until(() => mailsTo(email).length === 1);
      const token = /token=([\w-]{43})/.exec(mailsTo(email)[0]?.text ?? '')?.[1] ?? '';
      orThrow(await verifyEmail(database.db, hashToken(token)));
      expect(await handle.result()).toBe('verified');
      await workflows.exportHistory(handle, 'registration.verified-without-poke');
    });
    expect(mailsTo(email)).toHaveLength(1);
  });

  test('the mail can be asked for again, but not without end', async () => {
    const { playerId, email } = await register();
    await run(async (client) => {
      const handle = await start(client, playerId);
      for (let asked = 1; asked < verificationMailsMax; asked += 1) {
        await until(() => mailsTo(email).length === asked);
        await handle.signal(verificationRequested);
      }
      await until(() => mailsTo(email).length === verificationMailsMax);
      await handle.signal(verificationRequested);
      expect(await handle.result()).toBe('closed');
      await workflows.exportHistory(handle, 'registration.asked-again');
    });
    expect(mailsTo(email)).toHaveLength(verificationMailsMax);
  });

  test('asking through the API reaches the workflow, starts it where the relay has not, and tells strangers nothing', async () => {
    const { playerId, email } = await register();
    await run(async (client) => {
      const app = await createTestApi(database, { keyRing, temporal: () => Promise.resolve(client) });
      const ask = (address: string) =>
        app.send('POST', '/v1/players/resend-verification', { brand: 'aurora', email: address });
      const known = await ask(email.toUpperCase());
      await until(() => mailsTo(email).length >= 1);
      const stranger = await ask(`${randomUUID()}@example.org`);
      expect([known.status, stranger.status, known.text]).toEqual([202, 202, stranger.text]);
      const handle = client.workflow.getHandle<typeof registration>(`registration:${playerId}`);
      expect(await handle.result()).toBe('closed');
      expect((await ask(email)).status).toBe(202);
      await app.close();
    });
  });

  test('a mail server that stays away is on record, and the registration goes on', async () => {
    const { playerId } = await register();
    await run(async (client) => {
      const handle = await start(client, playerId);
      expect(await handle.result()).toBe('closed');
      await workflows.exportHistory(handle, 'registration.mail-server-away');
    }, unreachable);
    expect((await stateOf(playerId)).messages).toEqual([
      'verify-email failed',
      'verify-email-reminder failed',
    ]);
  });
});
