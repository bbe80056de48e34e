/** A player who may pay in and out, and PSPs that follow a script: what tests of payments stand on. */
import { createHash, randomUUID } from 'node:crypto';
import pino from 'pino';
import { createKeyRing } from '#activities/pam/key-ring.ts';
import { sealPersonalData } from '#activities/personal-data.ts';
import { createDepositAttemptActivities } from '#activities/payments/deposit-attempts.ts';
import { createDepositActivities } from '#activities/payments/deposit-outcomes.ts';
import { createDisputeActivities } from '#activities/payments/disputes.ts';
import { createFraudAlertActivities } from '#activities/payments/fraud-alerts.ts';
import { createHoldActivities } from '#activities/payments/holds.ts';
import { createModificationCallActivities } from '#activities/payments/modification-calls.ts';
import { createModificationActivities } from '#activities/payments/modifications.ts';
import { createPayoutActivities } from '#activities/payments/payouts.ts';
import { createPayoutReturnActivities } from '#activities/payments/payout-returns.ts';
import { createPspBreakers } from '#activities/payments/psp-breakers.ts';
import { createReconciliationActivities } from '#activities/payments/reconciliation.ts';
import { createRefundCallActivities } from '#activities/payments/refund-calls.ts';
import { createRefundActivities } from '#activities/payments/refunds.ts';
import { createSecondChargeActivities } from '#activities/payments/second-charge.ts';
import { createUnauthenticatedChargeActivities } from '#activities/payments/unauthenticated-charge.ts';
import { createWithdrawalCheckActivities } from '#activities/payments/withdrawal-checks.ts';
import { createScreeningActivities } from '#activities/payments/withdrawal-screening.ts';
import { createWithdrawalActivities } from '#activities/payments/withdrawal-outcomes.ts';
import { requestDeposit, type PlannedDeposit } from '#activities/payments/commands/request-deposit.ts';
import type { KycVendor } from '#activities/kyc/vendor.ts';
import type { DisputeAnswer, DisputeOutcome } from '#domain/payments/dispute-state.ts';
import type { FraudAlertOutcome } from '#domain/payments/fraud-alert.ts';
import type {
  DisputeAnswerOrder,
  ModificationOrder,
  PaymentOrder,
  PayoutOrder,
  PortableThreeDs,
  PspConnector,
  RefundOrder,
  SettlementFile,
} from '#activities/payments/connectors.ts';
import type { DepositRow } from '#activities/payments/payment-rows.ts';
import { seedRoutes } from '#activities/payments/routes.ts';
import { currentProfile, seedProfiles } from '#activities/compliance/profiles.ts';
import { requestExclusion } from '#activities/responsible-gambling/commands/exclusions.ts';
import { createRiskActivities } from '#activities/risk/assess-withdrawal.ts';
import { openWallet } from '#activities/wallet/player-wallet.ts';
import type { Database } from '#db/connect.ts';
import { fail, FailureError, orThrow, succeed } from '#domain/failures.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';

/** Seals evidence; players of this world get their keys from `keyPlayer`. */
export const testKeyRing = createKeyRing({ kek: Buffer.alloc(32, 7), blindIndexKey: Buffer.alloc(32, 9) });

export const euro = 10n ** 12n;
export const brand = 'aurora';

/** What one PSP does, call by call; the last entry of a script repeats. */
export type Script = {
  authorise?: ((order: PaymentOrder) => PspOutcome | Promise<PspOutcome>)[];
  status?: ((order: PaymentOrder) => PspOutcome)[];
  continued?: ((order: PaymentOrder) => PspOutcome)[];
  cancel?: ((order: PaymentOrder) => PspOutcome)[];
  payout?: ((order: PayoutOrder) => PspOutcome)[];
  payoutStatus?: ((order: PayoutOrder) => PspOutcome)[];
  refund?: ((order: RefundOrder) => PspOutcome)[];
  refundStatus?: ((order: RefundOrder) => PspOutcome)[];
  modify?: ((order: ModificationOrder) => PspOutcome)[];
  modificationStatus?: ((order: ModificationOrder) => PspOutcome)[];
  portable?: ((order: PaymentOrder) => PortableThreeDs | null)[];
  settlementFile?: ((day: string) => SettlementFile)[];
  dispute?: (() => DisputeOutcome)[];
  fraudAlert?: (() => FraudAlertOutcome)[];
  submitEvidence?: ((order: DisputeAnswerOrder) => DisputeAnswer)[];
  acceptDispute?: ((order: DisputeAnswerOrder) => DisputeAnswer)[];
};

export type ScriptedPsp = PspConnector & {
  play(script: Script): void;
  /** Names of the calls that moved or asked something, in order. */
  readonly calls: string[];
};

export function scriptedPsp(name: string): ScriptedPsp {
  let script: Script = {};
  const calls: string[] = [];
  const answer = async <O, A = PspOutcome>(
    call: keyof Script,
    steps: ((order: O) => A | Promise<A>)[] | undefined,
    order: O,
  ): Promise<A> => {
    calls.push(call);
    const step = steps && steps.length > 1 ? steps.shift() : steps?.[0];
    if (!step) throw new Error(`${name} was not told what to do for ${call}`);
    return step(order);
  };
  return {
    name,
    calls,
    capabilities: {
      idempotencyWindowHours: 24,
      statusBy: 'query',
      processingMsMax: null,
      threeDs: { exemptions: ['low-value', 'tra'], takesPortable: true },
      wallets: ['paypal'],
      partialCapture: true,
    },
    webhookAnswer: 'ok',
    play: (next) => {
      script = next;
      calls.length = 0;
    },
    authorise: (order) => answer('authorise', script.authorise, order),
    status: (order) => answer('status', script.status, order),
    continueAfterAction: (order) => answer('continued', script.continued, order),
    cancel: (order) => answer('cancel', script.cancel, order),
    refund: (order) => answer('refund', script.refund, order),
    refundStatus: (order) => answer('refundStatus', script.refundStatus, order),
    portableThreeDs: async (order) => {
      calls.push('portable');
      return script.portable?.[0]?.(order) ?? null;
    },
    modifications: {
      modify: (order) => answer('modify', script.modify, order),
      modificationStatus: (order) => answer('modificationStatus', script.modificationStatus, order),
    },
    disputes: {
      dispute: (order) => answer('dispute', script.dispute, order),
      submitEvidence: (order) => answer('submitEvidence', script.submitEvidence, order),
      acceptDispute: (order) => answer('acceptDispute', script.acceptDispute, order),
    },
    fraudAlerts: { fraudAlert: (order) => answer('fraudAlert', script.fraudAlert, order) },
    settlement: {
      settlementFile: (day) => answer('settlementFile', script.settlementFile, day),
      parseSettlement: () => {
        throw new FailureError(fail('invalid-request', 'nothing is played here').failure);
      },
    },
    payout: (order) => answer('payout', script.payout, order),
    payoutStatus: (order) => answer('payoutStatus', script.payoutStatus, order),
    verifyWebhook: () => succeed([]),
  };
}

export const approved = (order: Pick<PaymentOrder, 'money' | 'reference' | 'token'>): PspOutcome => ({
  kind: 'approved',
  pspReference: `psp-${order.reference}`,
  processed: order.money,
  instrument: { token: order.token, cardBrand: 'visa', last4: '4242', expiryMonth: 12, expiryYear: 2031 },
});
export const declined =
  (declineClass: Extract<PspOutcome, { kind: 'declined' }>['declineClass']) => (): PspOutcome => ({
    kind: 'declined',
    pspReference: null,
    declineClass,
    rawCode: 'scripted',
    networkCode: null,
  });
export const unknown = (): PspOutcome => ({ kind: 'unknown', reason: 'scripted' });
export const pending = (): PspOutcome => ({ kind: 'pending', pspReference: null });
export const notSent = (): PspOutcome => ({ kind: 'not_sent', reason: 'scripted' });
export const action = (): PspOutcome => ({
  kind: 'action',
  pspReference: 'psp-1',
  url: 'http://bank.test/challenge',
});

/** Profiles, brand and routes, once per database. */
export async function seedWorld(db: Database): Promise<void> {
  for (const code of ['EUR', 'GBP']) {
    await db
      .insertInto('wallet.asset')
      .values({ code, kind: 'fiat', ledgerScale: 12, payableScale: 2 })
      .onConflict((row) => row.doNothing())
      .execute();
  }
  await seedProfiles(db);
  await db
    .insertInto('pam.brand')
    .values({ id: brand, name: 'Aurora' })
    .onConflict((row) => row.doNothing())
    .execute();
  await seedRoutes(db);
}

/** A player of this world excludes himself for half a year. */
export async function excludeHimself(db: Database, playerId: string): Promise<void> {
  orThrow(
    await requestExclusion(db, {
      kind: 'self-exclusion',
      duration: 'P6M',
      id: randomUUID(),
      playerId,
      brand,
      rules: orThrow(await currentProfile(db, 'MT')),
      fingerprint: fingerprintOf(playerId),
    }),
  );
}

/** An active, verified player with a euro wallet and a deposit limit of 1,000 a day. */
export async function makePlayer(db: Database, jurisdiction: 'MT' | 'GB' = 'MT'): Promise<string> {
  const playerId = randomUUID();
  const asset = jurisdiction === 'MT' ? 'EUR' : 'GBP';
  const fingerprint = createHash('sha256').update(playerId).digest();
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto('pam.player')
      .values({
        id: playerId,
        brand,
        jurisdiction,
        jurisdictionVersion: 1,
        country: jurisdiction,
        currency: asset,
        status: 'active',
        emailVerifiedAt: new Date(),
        termsVersion: 1,
      })
      .execute();
    await openWallet(trx, { playerId, asset, brand, jurisdiction });
    await trx
      .insertInto('responsibleGambling.limit')
      .values({
        id: randomUUID(),
        playerId,
        brand,
        jurisdiction,
        profileVersion: 1,
        kind: 'deposit',
        window: 'day',
        asset,
        amount: (1_000n * euro).toString(),
        fingerprint,
      })
      .execute();
    const verificationId = randomUUID();
    await trx
      .insertInto('kyc.verification')
      .values({
        id: verificationId,
        playerId,
        brand,
        jurisdiction,
        profileVersion: 1,
        level: 'L1',
        state: 'approved',
        decidedAt: new Date(),
        expiresAt: new Date(Date.now() + 86_400_000),
        fingerprint,
        vendorUserId: verificationId,
      })
      .execute();
    await trx
      .insertInto('kyc.levelGrant')
      .values({ playerId, level: 'L1', verificationId, profileVersion: 1 })
      .execute();
  });
  return playerId;
}

/** Gives a player personal data and the keys that seal it. */
export const keyPlayer = (db: Database, playerId: string): Promise<void> =>
  db.transaction().execute((trx) =>
    sealPersonalData(trx, testKeyRing, playerId, {
      general: { email: 'player@example.test' },
      aml: { firstName: 'A', lastName: 'Player', dateOfBirth: '1990-01-01' },
    }),
  );

export const fingerprintOf = (text: string): Buffer => createHash('sha256').update(text).digest();

export async function askDeposit(
  db: Database,
  playerId: string,
  amount = '50.00',
  asset = 'EUR',
  ahead: { readonly depositId?: string; readonly onPlanned?: (planned: PlannedDeposit) => void } = {},
): Promise<DepositRow> {
  const depositId = ahead.depositId ?? randomUUID();
  return orThrow(
    await requestDeposit(
      db,
      {
        depositId,
        playerId,
        brand,
        jurisdiction: 'MT',
        money: { amount, asset },
        tokens: [
          { psp: 'alpha', token: 'tok_alpha' },
          { psp: 'beta', token: 'tok_beta' },
        ],
        returnUrl: 'http://shop.test/back',
        fingerprint: fingerprintOf(depositId),
      },
      ahead.onPlanned,
    ),
  );
}

/** A vendor that knows nobody on any list. */
export const onNoList: KycVendor = {
  ensureApplicant: ({ externalUserId }) => Promise.resolve({ applicantId: `applicant-${externalUserId}` }),
  readApplicant: () => Promise.reject(new Error('nobody is verified here')),
  createVerifyLink: () => Promise.reject(new Error('nobody is verified here')),
  screen: () => Promise.resolve({ listVersion: 'l1', hits: [] }),
};

export function paymentActivities(
  db: Database,
  psps: ReadonlyMap<string, PspConnector>,
  publicUrl = 'http://api.test',
  kycVendor: KycVendor = onNoList,
) {
  const deps = {
    db,
    psps,
    breakers: createPspBreakers(),
    publicUrl,
    kycVendor,
    keyRing: testKeyRing,
    log: pino({ level: 'silent' }),
  };
  return {
    money: {
      // A deposit sends its charges inside its own task.
      ...createDepositAttemptActivities(deps),
      ...createDepositActivities(deps),
      ...createWithdrawalCheckActivities(deps),
      ...createWithdrawalActivities(deps),
      ...createRiskActivities(deps),
      ...createRefundActivities(deps),
      ...createSecondChargeActivities(deps),
      ...createUnauthenticatedChargeActivities(deps),
      ...createModificationActivities(deps),
    },
    provider: {
      ...createDepositAttemptActivities(deps),
      ...createPayoutActivities(deps),
      ...createPayoutReturnActivities(deps),
      ...createRefundCallActivities(deps),
      ...createModificationCallActivities(deps),
      ...createHoldActivities(deps),
      ...createDisputeActivities(deps),
      ...createFraudAlertActivities(deps),
      ...createReconciliationActivities(deps),
      ...createScreeningActivities(deps),
    },
  };
}

/** Cash and held money of a player in whole euros, and what one PSP owes us in the ledger. */
export async function balancesOf(db: Database, playerId: string): Promise<{ cash: bigint; held: bigint }> {
  const row = await db
    .selectFrom('wallet.playerWallet')
    .select(['cash', 'held'])
    .where('playerId', '=', playerId)
    .executeTakeFirstOrThrow();
  return { cash: BigInt(row.cash) / euro, held: BigInt(row.held) / euro };
}

export const attemptsOf = async (db: Database, depositId: string): Promise<string[]> =>
  (
    await db
      .selectFrom('payments.attempt')
      .select(['psp', 'state'])
      .where('depositId', '=', depositId)
      .orderBy('number')
      .execute()
  ).map((row) => `${row.psp}:${row.state}`);

export const workItemsOf = async (db: Database, subject: string): Promise<string[]> =>
  (
    await db
      .selectFrom('payments.workItem')
      .select(['kind', 'closedAt'])
      .where('subject', '=', subject)
      .orderBy('openedAt')
      .execute()
  ).map((row) => `${row.kind}:${row.closedAt === null ? 'open' : 'closed'}`);

/** The day's limit that a player has taken, in whole euros. */
export async function limitTaken(db: Database, playerId: string): Promise<bigint> {
  const rows = await db
    .selectFrom('responsibleGambling.depositReservation')
    .select('amount')
    .where('playerId', '=', playerId)
    .where('releasedAt', 'is', null)
    .execute();
  return rows.reduce((sum, row) => sum + BigInt(row.amount), 0n) / euro;
}
