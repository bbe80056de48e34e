/** Which facts start or signal which workflow, after they are committed. The relay is the only caller. */
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { EventType, NewEvent } from '#domain/events.schema.ts';
import { betStart, betWorkflowId, legResulted } from '#workflows/bet.contract.ts';
import type { bet } from '#workflows/bet.ts';
import type { bonusAward } from '#workflows/bonus-award.ts';
import { awardWagered, bonusAwardStart, bonusAwardWorkflowId } from '#workflows/bonus-award.contract.ts';
import {
  emailVerified,
  registrationStart,
  registrationWorkflowId,
} from '#workflows/registration.contract.ts';
import type { registration } from '#workflows/registration.ts';
import type { catalogueImport } from '#workflows/catalogue-import.ts';
import { catalogueImportStart } from '#workflows/catalogue-import.contract.ts';
import type { freeRounds } from '#workflows/free-rounds.ts';
import { freeRoundsNoticed, freeRoundsStart, freeRoundsWorkflowId } from '#workflows/free-rounds.contract.ts';
import type { limitChange } from '#workflows/limit-change.ts';
import {
  limitChangeNoticed,
  limitChangeStart,
  limitChangeWorkflowId,
} from '#workflows/limit-change.contract.ts';
import { messageStart, type MessageInput } from '#workflows/message.contract.ts';
import type { message } from '#workflows/message.ts';
import { marketStart } from '#workflows/market.contract.ts';
import type { market } from '#workflows/market.ts';
import type { selfExclusion } from '#workflows/self-exclusion.ts';
import {
  selfExclusionNoticed,
  selfExclusionStart,
  selfExclusionWorkflowId,
} from '#workflows/self-exclusion.contract.ts';
import type { timeOut } from '#workflows/time-out.ts';
import { timeOutNoticed, timeOutStart, timeOutWorkflowId } from '#workflows/time-out.contract.ts';
import { withdrawalResumed } from '#workflows/withdrawal.contract.ts';
import type { withdrawal } from '#workflows/withdrawal.ts';
import type { verification } from '#workflows/verification.ts';
import { verificationStart } from '#workflows/verification.contract.ts';
import { TypedSearchAttributes } from '@temporalio/common';

type EventOf<T extends EventType> = Extract<NewEvent, { type: T }>;

/** Delivers at least once: a route must be harmless when it is repeated. */
export type EventRoutes = {
  readonly [T in EventType]?: (
    client: Client,
    event: EventOf<T> & { readonly eventId: string },
  ) => Promise<void>;
};

/** A workflow that was started before, running or ended, needs no second start: its row is its truth. */
export async function startOnce(start: Promise<unknown>): Promise<void> {
  try {
    await start;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** A poke to a workflow that has ended, or that a sweep will start, is not needed. */
export async function poke(signal: Promise<unknown>): Promise<void> {
  try {
    await signal;
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

function sendMessage(client: Client, input: MessageInput): Promise<void> {
  const { typedSearchAttributes, ...start } = messageStart(input);
  return startOnce(
    client.workflow.start<typeof message>('message', {
      ...start,
      typedSearchAttributes: new TypedSearchAttributes(typedSearchAttributes),
    }),
  );
}

export const eventRoutes: EventRoutes = {
  // Repeated, it finds the run at work, or a row that has come to its end.
  'payments.held-money.approved': async (client, { payload, brand, playerId }) => {
    if (payload.decision !== 'pay' || playerId === null) return;
    const { withdrawalId, jurisdiction, money } = payload;
    const input = { withdrawalId, playerId, brand, jurisdiction, money };
    await startOnce(client.workflow.start<typeof withdrawal>('withdrawal', withdrawalResumed(input)));
  },
  'pam.player.registered': (client, { payload, brand }) => {
    const { typedSearchAttributes, ...start } = registrationStart({
      playerId: payload.playerId,
      brand,
      jurisdiction: payload.jurisdiction,
    });
    return startOnce(
      client.workflow.start<typeof registration>('registration', {
        ...start,
        typedSearchAttributes: new TypedSearchAttributes(typedSearchAttributes),
      }),
    );
  },
  'pam.email.verified': (client, { payload }) =>
    poke(client.workflow.getHandle(registrationWorkflowId(payload.playerId)).signal(emailVerified)),
  // The mail with the link is named after the request, the one that tells of the change after the change.
  'pam.password-reset.requested': (client, { payload, brand }) =>
    sendMessage(client, {
      messageId: payload.resetId,
      playerId: payload.playerId,
      brand,
      template: 'password-reset',
    }),
  'pam.password.changed': (client, { payload, brand }) =>
    sendMessage(client, {
      messageId: payload.changeId,
      playerId: payload.playerId,
      brand,
      template: 'password-changed',
    }),
  'bonus.award.granted': (client, { payload, brand, playerId }) =>
    startOnce(
      client.workflow.start<typeof bonusAward>(
        'bonusAward',
        bonusAwardStart({ awardId: payload.awardId, playerId: playerId ?? '', brand }),
      ),
    ),
  'bonus.award.wagered': (client, { payload }) =>
    poke(client.workflow.getHandle(bonusAwardWorkflowId(payload.awardId)).signal(awardWagered)),
  'games.catalogue-import.requested': (client, { payload, brand }) =>
    startOnce(
      client.workflow.start<typeof catalogueImport>(
        'catalogueImport',
        catalogueImportStart({ importId: payload.importId, brand }),
      ),
    ),
  'games.free-rounds.requested': (client, { payload, brand }) =>
    startOnce(
      client.workflow.start<typeof freeRounds>(
        'freeRounds',
        freeRoundsStart({ freeRoundsId: payload.freeRoundsId, playerId: payload.playerId, brand }),
      ),
    ),
  'games.free-rounds.cancel-requested': (client, { payload }) =>
    poke(client.workflow.getHandle(freeRoundsWorkflowId(payload.freeRoundsId)).signal(freeRoundsNoticed)),
  'kyc.verification.opened': (client, { payload, brand }) =>
    startOnce(
      client.workflow.start<typeof verification>(
        'verification',
        verificationStart({ ...pickVerification(payload), brand }),
      ),
    ),
  'responsible-gambling.limit-change.requested': (client, { payload, brand, playerId }) =>
    startOnce(
      client.workflow.start<typeof limitChange>(
        'limitChange',
        limitChangeStart({
          limitChangeId: payload.limitChangeId,
          playerId: playerId ?? '',
          brand,
          jurisdiction: payload.jurisdiction,
        }),
      ),
    ),
  'responsible-gambling.limit-change.cancelled': (client, { payload }) =>
    pokeLimitChange(client, payload.limitChangeId),
  'responsible-gambling.limit-change.applied': (client, { payload }) =>
    pokeLimitChange(client, payload.limitChangeId),
  'responsible-gambling.exclusion.started': (client, { payload, brand }) => {
    const { playerId, number, jurisdiction } = payload;
    const input = { playerId, number, brand, jurisdiction };
    return startOnce(
      payload.kind === 'time-out'
        ? client.workflow.start<typeof timeOut>('timeOut', timeOutStart(input))
        : client.workflow.start<typeof selfExclusion>('selfExclusion', selfExclusionStart(input)),
    );
  },
  'responsible-gambling.exclusion.extended': (client, { payload }) => pokeExclusion(client, payload),
  'responsible-gambling.exclusion.reinstatement-requested': (client, { payload }) =>
    pokeExclusion(client, payload),
  'games.bet.placed': async (client, { payload, brand, playerId }) => {
    if (!payload.followed) return;
    const { betId, money } = payload;
    await startBet(client, { betId, reopened: 0, playerId: playerId ?? '', brand, asset: money.asset });
  },
  'games.bet.reopened': (client, { payload, brand, playerId }) =>
    startBet(client, { ...payload, playerId: playerId ?? '', brand }),
  'games.bet.settled': async (client, { payload }) => {
    if (payload.followed) await poke(client.workflow.getHandle(betWorkflowId(payload)).signal(legResulted));
  },
  'games.market.resulted': (client, { payload: { eventId, marketId, version } }) =>
    startOnce(client.workflow.start<typeof market>('market', marketStart({ eventId, marketId, version }))),
};

const startBet = (client: Client, input: Parameters<typeof betStart>[0]) =>
  startOnce(client.workflow.start<typeof bet>('bet', betStart(input)));

const pickVerification = (payload: { verificationId: string; playerId: string; jurisdiction: string }) => ({
  verificationId: payload.verificationId,
  playerId: payload.playerId,
  jurisdiction: payload.jurisdiction,
});

const pokeLimitChange = (client: Client, limitChangeId: string) =>
  poke(client.workflow.getHandle(limitChangeWorkflowId(limitChangeId)).signal(limitChangeNoticed));

const pokeExclusion = (
  client: Client,
  { playerId, number, kind }: { playerId: string; number: number; kind: 'time-out' | 'self-exclusion' },
) =>
  poke(
    kind === 'time-out'
      ? client.workflow.getHandle(timeOutWorkflowId(playerId, number)).signal(timeOutNoticed)
      : client.workflow.getHandle(selfExclusionWorkflowId(playerId, number)).signal(selfExclusionNoticed),
  );
