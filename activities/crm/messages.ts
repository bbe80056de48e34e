/** Sends messages to players. The address is opened at the last moment and is kept nowhere else. */
import { sql } from 'kysely';
import { writeMessage, type TemplateName } from '#domain/crm/templates.ts';
import { assertNever } from '#domain/failures.ts';
import { verificationClosesAfterMs } from '#domain/pam/registration.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { ActivityDeps } from '#activities/deps.ts';
import { openPersonalData } from '#activities/personal-data.ts';
import { createToken, hashToken } from '#activities/tokens.ts';

export type MessageOrder = {
  /** Business key: the same id is sent once, as far as mail can promise. */
  readonly messageId: string;
  readonly playerId: string;
  readonly template: TemplateName;
};

export type MessageState = { readonly state: 'sent' | 'failed' | 'not-needed' };

type Deps = Pick<ActivityDeps, 'db' | 'keyRing' | 'mailer' | 'publicUrl'>;
type Recipient = { readonly brand: string; readonly brandName: string; readonly email: string };

export function createMessageActivities(deps: Deps) {
  return {
    /**
     * Sends one mail. A mail server that is away or says "later" makes it throw, to be retried; a refusal for good, or
     * a player whose data were erased, is recorded as failed. Error texts never hold the address.
     */
    async sendEmail(order: MessageOrder): Promise<MessageState> {
      const state = await queueMessage(deps, order);
      if (state !== 'queued') return { state };
      const recipient = await findRecipient(deps, order);
      if (recipient === 'not-needed') return { state: 'not-needed' };
      if (recipient === null) return closeMessage(deps, order, 'failed', 'no address');
      const link = await linkOf(deps, order);
      const refusal = await deliver(deps, order, recipient, link);
      return refusal === null
        ? closeMessage(deps, order, 'sent', null)
        : closeMessage(deps, order, 'failed', refusal);
    },

    /** Records that the last attempt is over; for a workflow whose retries ran out. */
    async abandonEmail(order: MessageOrder): Promise<MessageState> {
      return closeMessage(deps, order, 'failed', 'the mail server did not take it in time');
    },
  };
}

/** Makes the row before the outside call, so that a message nobody confirmed is seen. */
async function queueMessage(deps: Deps, order: MessageOrder): Promise<'queued' | 'sent' | 'failed'> {
  await sql`
    insert into crm.message (id, player_id, brand, template, channel)
    select ${order.messageId}, id, brand, ${order.template}, 'email' from pam.player where id = ${order.playerId}
    on conflict (id) do nothing
  `.execute(deps.db);
  const { state } = await deps.db
    .selectFrom('crm.message')
    .select('state')
    .where('id', '=', order.messageId)
    .executeTakeFirstOrThrow();
  return state === 'sent' || state === 'failed' ? state : 'queued';
}

async function findRecipient(
  deps: Deps,
  { playerId, messageId, template }: MessageOrder,
): Promise<Recipient | 'not-needed' | null> {
  const player = await deps.db
    .selectFrom('pam.player as p')
    .innerJoin('pam.brand as b', 'b.id', 'p.brand')
    .select(['p.brand', 'b.name', 'p.status', 'p.emailVerifiedAt'])
    .select(
      sql<boolean>`exists (select from pam.password_reset r where r.id = ${messageId} and r.completed_at is null
        and r.superseded_at is null and r.expires_at > now())`.as('isResetOpen'),
    )
    .where('p.id', '=', playerId)
    .executeTakeFirstOrThrow();
  if (player.status === 'closed') return 'not-needed';
  if (!isNeeded(template, player)) return 'not-needed';
  const contact = await openPersonalData(deps.db, deps.keyRing, playerId, 'general');
  return contact && { brand: player.brand, brandName: player.name, email: contact.email };
}

function isNeeded(
  template: TemplateName,
  player: { readonly emailVerifiedAt: Date | null; readonly isResetOpen: boolean },
): boolean {
  switch (template) {
    case 'verify-email':
    case 'verify-email-reminder':
      return player.emailVerifiedAt === null;
    case 'password-reset':
      return player.isResetOpen;
    case 'password-changed':
      return true;
    default:
      return assertNever(template);
  }
}

/** Only the hash of a token is stored, so each attempt makes one of its own; whichever mail arrives, its link works. */
async function linkOf(deps: Deps, { playerId, messageId, template }: MessageOrder): Promise<string> {
  const pages = `${deps.publicUrl}/v1/players`;
  switch (template) {
    case 'verify-email':
    case 'verify-email-reminder':
      return `${pages}/verify-email?token=${await issueVerificationToken(deps, playerId)}`;
    case 'password-reset':
      return `${pages}/reset-password?token=${await issueResetToken(deps, messageId)}`;
    case 'password-changed':
      return '';
    default:
      return assertNever(template);
  }
}

/** The mail's id is the reset's. */
async function issueResetToken(deps: Deps, resetId: string): Promise<string> {
  const token = createToken();
  await deps.db
    .insertInto('pam.passwordResetToken')
    .values({ tokenHash: hashToken(token), resetId })
    .execute();
  return token;
}

async function issueVerificationToken(deps: Deps, playerId: string): Promise<string> {
  const token = createToken();
  await deps.db
    .insertInto('pam.emailVerification')
    .values({
      tokenHash: hashToken(token),
      playerId,
      expiresAt: sql`now() + make_interval(secs => ${verificationClosesAfterMs / 1_000})`,
    })
    .execute();
  return token;
}

/** Null when the server took the mail, its code when it refused for good (5xx); anything else is thrown for a retry. */
async function deliver(deps: Deps, order: MessageOrder, to: Recipient, link: string): Promise<string | null> {
  const message = writeMessage(order.template, { brand: to.brandName, link });
  try {
    await deps.mailer.transport.sendMail({
      from: deps.mailer.from,
      to: { name: '', address: to.email },
      subject: message.subject,
      text: message.text,
      messageId: `<${order.messageId}@${new URL(deps.publicUrl).hostname}>`,
    });
    return null;
  } catch (error) {
    const responseCode = error instanceof Error && 'responseCode' in error ? error.responseCode : undefined;
    if (typeof responseCode !== 'number') throw new Error('The mail server could not be reached');
    if (responseCode >= 500) return `refused with ${responseCode}`;
    throw new Error(`The mail server did not take the message (${responseCode})`);
  }
}

/** Only a message still queued is closed, so that a repeated activity writes one fact. */
async function closeMessage(
  deps: Deps,
  order: MessageOrder,
  state: 'sent' | 'failed',
  failure: string | null,
): Promise<MessageState> {
  await deps.db.transaction().execute(async (trx) => {
    const closed = await trx
      .updateTable('crm.message')
      .set(state === 'sent' ? { state, sentAt: sql`now()` } : { state, failedAt: sql`now()`, failure })
      .where('id', '=', order.messageId)
      .where('state', '=', 'queued')
      .returning('brand')
      .executeTakeFirst();
    if (!closed) return;
    await appendEvent(
      trx,
      {
        type: state === 'sent' ? 'crm.message.sent' : 'crm.message.failed',
        version: 1,
        brand: closed.brand,
        playerId: order.playerId,
        payload: { messageId: order.messageId, template: order.template, channel: 'email' },
      },
      { actor: { kind: 'system', id: 'mailer' }, subject: `message:${order.messageId}` },
    );
  });
  return { state };
}
