/** Identity checks under skipped time on the real database; only the vendor is played. */
import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openVerification } from '#activities/kyc/commands/open-verification.ts';
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import type { KycVendor } from '#activities/kyc/vendor.ts';
import { createKycVendorActivities } from '#activities/kyc/vendor-activities.ts';
import { createVerificationActivities } from '#activities/kyc/verification-activities.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import type { VerifiableLevel } from '#domain/kyc/levels.ts';
import type { VendorReview } from '#domain/kyc/review.ts';
import {
  begin,
  decideVerification,
  vendorNotified,
  verificationStart,
} from '#workflows/verification.contract.ts';
import type { verification } from '#workflows/verification.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { createTestPlayer, seedProtection, type TestPlayer } from '#test/support/protected-player.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';

const waiting: VendorReview = {
  status: 'waiting-for-player',
  ref: '///',
  answer: null,
  rejectType: null,
  labels: [],
};
const green: VendorReview = {
  status: 'completed',
  ref: 'green',
  answer: 'GREEN',
  rejectType: null,
  labels: [],
};
const red = (ref: string, rejectType: 'RETRY' | 'FINAL'): VendorReview => ({
  status: 'completed',
  ref,
  answer: 'RED',
  rejectType,
  labels: ['BAD_SELFIE'],
});

let database: TestDatabase;
let workflows: WorkflowEnvironment;

beforeAll(async () => {
  database = await createTestDatabase();
  await seedProtection(database);
}, 60_000);
afterAll(() => database.drop());

/** A vendor whose reviews the test sets; as at the real one, a name has one applicant, and that one review at a time. */
function playVendor(): KycVendor & { reviews: Map<string, VendorReview>; level: string; away: boolean } {
  const vendor = {
    reviews: new Map<string, VendorReview>(),
    level: 'pitboss-l1',
    away: false,
    ensureApplicant: async ({ externalUserId }: { externalUserId: string }) => {
      if (vendor.away) throw new FailureError(fail('dependency-unavailable', 'The vendor is away.').failure);
      return { applicantId: `applicant-${externalUserId}` };
    },
    readApplicant: async (applicantId: string) => {
      const externalUserId = applicantId.slice('applicant-'.length);
      return {
        applicantId,
        externalUserId,
        levelName: vendor.level,
        review: vendor.reviews.get(externalUserId) ?? waiting,
      };
    },
    createVerifyLink: async ({ externalUserId }: { externalUserId: string }) => ({
      url: `https://vendor.test/verify/${externalUserId}`,
    }),
    screen: async () => ({ listVersion: 'l1', hits: [] }),
  };
  return vendor;
}

const activitiesOf = (vendor: KycVendor) => ({
  player: createVerificationActivities({ db: database.db }),
  provider: createKycVendorActivities({ db: database.db, kycVendor: vendor }),
});

async function open(player: TestPlayer, level: VerifiableLevel = 'L1'): Promise<string> {
  const request = {
    ...player,
    id: randomUUID(),
    profileVersion: 1,
    level,
    fingerprint: Buffer.from('L1'),
  } as const;
  return orThrow(await openVerification(database.db, request)).id;
}

async function beginCheck(client: Client, player: TestPlayer, verificationId: string) {
  const startWorkflowOperation = new WithStartWorkflowOperation<typeof verification>(
    'verification',
    verificationStart({ ...player, verificationId }),
  );
  const view = await client.workflow.executeUpdateWithStart(begin, { startWorkflowOperation });
  return { view, handle: client.workflow.getHandle<typeof verification>(`verification:${verificationId}`) };
}

const rowOf = (id: string) =>
  database.db.selectFrom('kyc.verification').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

async function reaches(id: string, state: string, attempt = 1): Promise<void> {
  await expect
    .poll(async () => (({ state: now, attempt: n }) => `${now} ${n}`)(await rowOf(id)), { timeout: 10_000 })
    .toBe(`${state} ${attempt}`);
}

describeWorkflows('verification', () => {
  beforeAll(async () => {
    workflows = await createWorkflowEnvironment();
  }, 60_000);
  afterAll(() => workflows.close());

  test('the first answer carries the link, and a green review told by a poke grants the level', async () => {
    const vendor = playVendor();
    const player = await createTestPlayer(database);
    await workflows.runWorkflows({ activities: activitiesOf(vendor) }, async (client) => {
      const id = await open(player);
      const { view, handle } = await beginCheck(client, player, id);
      expect(view).toMatchObject({
        state: 'opened',
        verifyUrl: `https://vendor.test/verify/${id}`,
      });
      expect(await readKycLevel(database.db, player.playerId)).toBe('L0');
      vendor.reviews.set(id, { ...green, status: 'under-review' });
      await handle.signal(vendorNotified);
      await reaches(id, 'pending');
      vendor.reviews.set(id, green);
      await handle.signal(vendorNotified);
      await handle.signal(vendorNotified);
      expect(await handle.result()).toMatchObject({ state: 'approved' });
      expect(await readKycLevel(database.db, player.playerId)).toBe('L1');
      await workflows.exportHistory(handle, 'verification.approved');
    });
  });

  test('a lost webhook is made up for by asking, and the review of another level grants nothing', async () => {
    const vendor = playVendor();
    vendor.level = 'pitboss-l2';
    const player = await createTestPlayer(database);
    await workflows.runWorkflows({ activities: activitiesOf(vendor) }, async (client) => {
      const id = await open(player);
      vendor.reviews.set(id, green);
      const { handle } = await beginCheck(client, player, id);
      await handle.signal(vendorNotified);
      await workflows.env.sleep('7 hours');
      expect((await rowOf(id)).state).toBe('opened');
      vendor.level = 'pitboss-l1';
      expect(await handle.result()).toMatchObject({ state: 'approved' });
    });
  });

  test('a retry gives a new attempt once, and after the third an operator decides with a reason', async () => {
    const vendor = playVendor();
    const player = await createTestPlayer(database);
    await workflows.runWorkflows({ activities: activitiesOf(vendor) }, async (client) => {
      const id = await open(player);
      const { handle } = await beginCheck(client, player, id);
      const decision = {
        operatorId: randomUUID(),
        decision: 'approve',
        reason: 'documents seen in person',
      } as const;
      await expect(handle.executeUpdate(decideVerification, { args: [decision] })).rejects.toMatchObject({
        cause: { type: 'verification-not-open' },
      });
      vendor.reviews.set(id, red('first', 'RETRY'));
      await handle.signal(vendorNotified);
      await reaches(id, 'opened', 2);
      await handle.signal(vendorNotified);
      vendor.reviews.set(id, red('second', 'RETRY'));
      await handle.signal(vendorNotified);
      await reaches(id, 'opened', 3);
      vendor.reviews.set(id, red('third', 'RETRY'));
      await handle.signal(vendorNotified);
      await reaches(id, 'on-hold', 3);
      await expect(
        handle.executeUpdate(decideVerification, { args: [{ ...decision, reason: ' ' }] }),
      ).rejects.toMatchObject({ cause: { type: 'invalid-request' } });
      await expect
        .poll(() => handle.executeUpdate(decideVerification, { args: [decision] }).catch(() => null), {
          timeout: 10_000,
        })
        .toMatchObject({ state: 'approved' });
      expect(await handle.result()).toMatchObject({ state: 'approved', attempt: 3 });
      expect((await rowOf(id)).decidedBy).toBe(decision.operatorId);
      await workflows.exportHistory(handle, 'verification.decided-by-operator');
    });
  });

  test('a final refusal ends it, and the level cannot be asked for again', async () => {
    const vendor = playVendor();
    const player = await createTestPlayer(database);
    await workflows.runWorkflows({ activities: activitiesOf(vendor) }, async (client) => {
      const id = await open(player);
      vendor.reviews.set(id, red('last', 'FINAL'));
      const { handle } = await beginCheck(client, player, id);
      await handle.signal(vendorNotified);
      expect(await handle.result()).toMatchObject({ state: 'refused' });
      await expect(open(player)).rejects.toMatchObject({ failure: { code: 'already-decided' } });
      await workflows.exportHistory(handle, 'verification.refused');
    });
  });

  test('a player who does nothing is reminded once and the verification expires', async () => {
    const player = await createTestPlayer(database);
    await workflows.runWorkflows({ activities: activitiesOf(playVendor()) }, async (client) => {
      const id = await open(player);
      const { handle } = await beginCheck(client, player, id);
      await letTimePass(id);
      expect(await handle.result()).toMatchObject({ state: 'expired' });
      const events = await database.db
        .selectFrom('compliance.audit')
        .select('action')
        .where('subject', '=', `verification:${id}`)
        .orderBy('id')
        .execute();
      expect(events.map((event) => event.action)).toEqual([
        'kyc.verification.opened',
        'kyc.verification.reminded',
        'kyc.verification.refused',
      ]);
      await workflows.exportHistory(handle, 'verification.expired');
    });
  });

  test('a check that follows an expired one is not answered by the review that the vendor had finished before', async () => {
    const vendor = playVendor();
    const player = await createTestPlayer(database);
    await workflows.runWorkflows({ activities: activitiesOf(vendor) }, async (client) => {
      const first = await open(player);
      const { handle: before } = await beginCheck(client, player, first);
      await letTimePass(first);
      expect(await before.result()).toMatchObject({ state: 'expired' });
      // Whatever the vendor has by then under any name that the player had there.
      for (const name of [player.playerId, first]) vendor.reviews.set(name, green);
      const second = await open(player);
      const { handle } = await beginCheck(client, player, second);
      await handle.signal(vendorNotified);
      await workflows.env.sleep('7 hours');
      expect((await rowOf(second)).state).toBe('opened');
      expect(await readKycLevel(database.db, player.playerId)).toBe('L0');
      vendor.reviews.set(second, green);
      expect(await handle.result()).toMatchObject({ state: 'approved' });
    });
  });

  test('two levels that are open at once are two applicants, and each gets the answer of its own', async () => {
    const vendor = playVendor();
    const player = await createTestPlayer(database);
    await workflows.runWorkflows({ activities: activitiesOf(vendor) }, async (client) => {
      const [low, high] = [await open(player, 'L1'), await open(player, 'L2')];
      const { handle: lower } = await beginCheck(client, player, low);
      const { handle: higher } = await beginCheck(client, player, high);
      expect((await rowOf(low)).vendorApplicantId).not.toBe((await rowOf(high)).vendorApplicantId);
      vendor.reviews.set(low, green);
      await lower.signal(vendorNotified);
      await higher.signal(vendorNotified);
      expect(await lower.result()).toMatchObject({ state: 'approved' });
      expect((await rowOf(high)).state).toBe('opened');
      expect(await readKycLevel(database.db, player.playerId)).toBe('L1');
      vendor.level = 'pitboss-l2';
      vendor.reviews.set(high, red('other', 'FINAL'));
      await higher.signal(vendorNotified);
      expect(await higher.result()).toMatchObject({ state: 'refused' });
      expect(await readKycLevel(database.db, player.playerId)).toBe('L1');
    });
  });

  test('a vendor that is away refuses the first answer within seconds and leaves the check open for a repeat', async () => {
    const vendor = playVendor();
    vendor.away = true;
    const player = await createTestPlayer(database);
    await workflows.runWorkflows({ activities: activitiesOf(vendor) }, async (client) => {
      const id = await open(player);
      await expect(beginCheck(client, player, id)).rejects.toThrow();
      vendor.away = false;
      const { view, handle } = await beginCheck(client, player, id);
      expect(view.verifyUrl).not.toBeNull();
      await handle.terminate('the test has seen enough');
    });
  });
});

/** The database's clock does not skip with the server's, so the deadline is moved into its past. */
async function letTimePass(id: string): Promise<void> {
  const client = await database.ownerPool.connect();
  try {
    await client.query('begin');
    await client.query('alter table kyc.verification disable trigger verification_states');
    await client.query(`update kyc.verification set expires_at = now() - interval '1 second' where id = $1`, [
      id,
    ]);
    await client.query('alter table kyc.verification enable trigger verification_states');
    await client.query('commit');
  } finally {
    client.release();
  }
}
