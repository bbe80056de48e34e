/**
 * One of everything that staff can write about, of the brand aurora, and the little of borealis that a call may mix it
 * with. What a command makes in one call is made so; the rest are rows as they would stand, without what led to them.
 */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { createBookWorld } from '#test/support/book-world.ts';
import type { TestApi } from '#test/support/api.ts';
import type { TestDatabase } from '#test/support/database.ts';
import { makeDeposit, makePlayer, publishTestRate } from '#test/support/factories.ts';
import { makeIntegration } from '#test/support/integrations.ts';
import { openTestSession } from '#test/support/protected-player.ts';
import { makePlayer as makePayingPlayer } from '#test/workflows/payment-world.ts';

export const theirs = 'aurora';
export const mine = 'borealis';

export type Things = Readonly<
  Record<
    | 'player'
    | 'deposit'
    | 'bankTransfer'
    | 'withdrawal'
    | 'verification'
    | 'hold'
    | 'adjustment'
    | 'rate'
    | 'rateProposal'
    | 'heldMoney'
    | 'screening'
    | 'workItem'
    | 'refund'
    | 'modification'
    | 'dispute'
    | 'answer'
    | 'fraudAlert'
    | 'break'
    | 'paymentRule'
    | 'retryRule'
    | 'listEntry'
    | 'lookupImport'
    | 'settingChange'
    | 'act'
    | 'integration'
    | 'integrationProposal'
    | 'credential'
    | 'game'
    | 'pool'
    | 'freeRounds'
    | 'round'
    | 'roundVoid'
    | 'parkedResult'
    | 'ruleVersion'
    | 'ruleReview'
    | 'operator'
    | 'myPlayer'
    | 'myIntegration'
    | 'myDispute'
    | 'myRuleVersion',
    string
  >
>;

type Values = Readonly<Record<string, unknown>>;

const hash = Buffer.alloc(32, 0xab);
const later = new Date(Date.now() + 86_400_000);
const euro = (amount: string) => ({ amount, asset: 'EUR' });

export async function makeThings(database: TestDatabase, app: TestApi): Promise<Things> {
  const staff = await app.signInAs(['admin']);
  const author = `operator:${randomUUID()}`;
  const player = await makePayingPlayer(database.db);
  const whole = { id: player, brand: theirs, jurisdiction: 'MT', currency: 'EUR' };
  await makeDeposit(database.db, whole);
  const session = await openTestSession(database, { playerId: player });
  const me = await makePlayer(database.db, { brand: mine });
  await makeDeposit(database.db, me);

  const insert = (table: string, values: Values) => insertRow(database, table, values);
  const ofPlayer = { player_id: player, brand: theirs };
  const row = async (table: string, values: Values) => {
    const id = randomUUID();
    await insert(table, { id, ...values });
    return id;
  };
  const said = async (path: string, body: object, token = staff): Promise<Record<string, unknown>> => {
    const answer = await app.send('POST', path, body, { token, key: randomUUID() });
    expect([path, answer.status, answer.text]).toEqual([
      path,
      expect.toBeOneOf([200, 201, 202, 503]),
      expect.any(String),
    ]);
    return answer.body;
  };
  const idOf = async (table: string, where: string, value: string): Promise<string> => {
    const found = await database.ownerPool.query<{ id: string }>(
      `select id from ${table} where ${where} = $1 order by 1 limit 1`,
      [value],
    );
    return found.rows[0]?.id ?? `no row in ${table}`;
  };

  const card = await row('payments.instrument', {
    player_id: player,
    psp: 'alpha',
    kind: 'card',
    token: 'pm_of_theirs',
  });
  // Temporal is away, so each of these leaves its row and answers 503.
  await said(
    '/v1/deposits',
    {
      money: euro('20.00'),
      instrument: { kind: 'card', tokens: [{ psp: 'alpha', token: 'pm_of_theirs' }] },
      returnUrl: 'https://shop.example/',
    },
    session,
  );
  await said('/v1/withdrawals', { money: euro('10.00'), instrument: { instrumentId: card } }, session);
  await said('/v1/kyc/verifications', { level: 'L2' }, session);
  const deposit = await idOf('payments.deposit', 'player_id', player);
  const withdrawal = await idOf('payments.withdrawal', 'player_id', player);

  const hold = await said('/admin/v1/wallet/holds', {
    playerId: player,
    money: euro('1.00'),
    reason: 'legal-order',
    note: 'as the court has ordered',
    expiresAt: later.toISOString(),
  });
  const adjustment = await said('/admin/v1/wallet/adjustments', {
    playerId: player,
    direction: 'credit',
    ...euro('1.00'),
    reasonCode: 'goodwill',
    note: 'for the wait on the phone',
  });
  const rate = await publishTestRate(database.db, { soldAsset: 'EUR', boughtAsset: 'USD', rate: '1.08' });
  const rateProposal = await said('/admin/v1/wallet/rate-proposals', {
    soldAsset: 'EUR',
    boughtAsset: 'GBP',
    rate: '0.86',
    source: 'desk',
    quotedAt: new Date().toISOString(),
    expiresAt: later.toISOString(),
    reason: 'the price of today',
  });

  const integration = 'their-studio';
  const myIntegration = 'my-studio';
  const game = 'a-game';
  const keys = { keyRing: app.deps.keyRing, games: [{ code: game, title: 'A game', category: 'slots' }] };
  await makeIntegration(database.db, { id: integration, dialect: 'a8r-v2', brand: theirs, ...keys });
  await makeIntegration(database.db, { id: myIntegration, dialect: 'a8r-v2', brand: mine, ...keys });
  const integrationProposal = await said('/admin/v1/integrations', {
    id: 'their-next',
    dialect: 'a8r-v2',
    brand: theirs,
    operatorId: 'casino',
    baseUrl: 'https://provider.example',
    reason: 'another studio',
  });
  const credential = await said(`/admin/v1/integrations/${integration}/credentials`, {
    kind: 'hmac-secret',
    material: 'a-secret-of-the-studio',
    reason: 'as agreed',
  });

  const round = 'round-1';
  const ofRound = { integration, round_ref: round, player_id: player, asset: 'EUR' };
  await insert('games.round', {
    ...ofRound,
    game_code: game,
    state: 'manual',
    opened_at: new Date(),
    guard_at: new Date(),
  });
  const pool = 'their-pool';
  await database.ownerPool.query('update games.game set jackpot_pool = $1 where integration = $2', [
    pool,
    integration,
  ]);
  await insert('wallet.withdrawal_stop', { id: '900', audit_run_id: '900', findings: ['a finding'] });
  const { eventId, marketId } = await createBookWorld(database).makeMarket();

  const money = { asset: 'EUR', amount: '1000000000000' };
  const ofPayment = { ...money, deposit_id: deposit, jurisdiction: 'MT', psp: 'alpha' };
  const asked = {
    reference: randomUUID(),
    charge_reference: 'ch_1',
    reason: 'asked for',
    requested_by: randomUUID(),
  };
  const open = { fingerprint: hash, payload_hash: hash, needs_approval: true, state: 'awaiting-approval' };
  const dispute = { jurisdiction: 'MT', psp: 'alpha', stage: 'chargeback', status: 'needs-response' };
  const theirDispute = await row('payments.dispute', {
    ...ofPlayer,
    ...dispute,
    psp_reference: 'dp_1',
    deposit_id: deposit,
  });
  const screening = await row('kyc.screening', {
    ...ofPlayer,
    subject: `withdrawal:${withdrawal}`,
    number: 1,
    state: 'hit',
    list_version: 'of today',
    answered_at: new Date(),
    hit_ids: ['hit-1'],
  });
  const proposed = { author, reason: 'for a good reason', fingerprint: hash, payload_hash: hash };
  const listEntry = await row('payments.list_entry', {
    brand: theirs,
    list: 'grey',
    kind: 'country',
    key: 'SE',
    reason: 'looked at closely',
    author,
    fingerprint: hash,
  });
  const ruleVersion = await idOf('backoffice.rule_version', 'brand', theirs);

  return {
    player,
    deposit,
    bankTransfer: await row('payments.deposit', {
      ...ofPlayer,
      ...money,
      jurisdiction: 'MT',
      jurisdiction_version: 1,
      method: 'bank-transfer',
      state: 'requested',
      route_version: 1,
      options: {},
      return_url: 'https://shop.example/',
      fingerprint: hash,
    }),
    withdrawal,
    verification: await idOf('kyc.verification', 'player_id', player),
    hold: String(hold['id']),
    adjustment: String(adjustment['id']),
    rate,
    rateProposal: String(rateProposal['id']),
    heldMoney: await row('payments.held_money_proposal', {
      ...ofPlayer,
      ...money,
      withdrawal_id: withdrawal,
      screening_id: screening,
      decision: 'keep',
      reason_code: 'asset-freeze',
      note: 'as the notice says',
      payload_hash: hash,
      fingerprint: hash,
      proposed_by: randomUUID(),
    }),
    screening,
    workItem: await row('payments.work_item', {
      brand: theirs,
      kind: 'late-win',
      subject: 'a-late-win',
      reason: 'somebody has to look',
    }),
    refund: await row('payments.refund', { ...ofPlayer, ...ofPayment, ...asked, ...open }),
    modification: await row('payments.modification', {
      ...ofPlayer,
      ...ofPayment,
      ...asked,
      ...open,
      kind: 'capture',
      attempt: 1,
    }),
    dispute: theirDispute,
    answer: await row('payments.dispute_response', {
      dispute_id: theirDispute,
      stage: 'chargeback',
      kind: 'accept',
      reason: 'it was not ours',
      operator_id: randomUUID(),
      role: 'payments',
      fingerprint: hash,
    }),
    fraudAlert: await row('payments.fraud_alert', {
      ...ofPlayer,
      psp: 'alpha',
      psp_reference: 'fa_1',
      charge_reference: 'ch_1',
      deposit_id: deposit,
      attempt: 1,
      jurisdiction: 'MT',
      due_at: later,
      due_reason: 'the network says so',
    }),
    break: await row('payments.reconciliation_break', {
      psp: 'alpha',
      day: '2026-01-31',
      kind: 'extra',
      natural_key: 'line-1',
    }),
    paymentRule: await row('payments.payment_rule', {
      brand: theirs,
      name: 'their-closed-method',
      version: 1,
      flow: 'deposit',
      measure: 'closed',
      subject: 'payment',
      method: 'crypto',
      is_active: true,
      author,
      reason: 'closed for now',
    }),
    retryRule: await row('payments.retry_rule', {
      network: 'visa',
      rule: 'attempts',
      window_s: 86_400,
      maximum: 1,
      scope: 'card',
      imposed_by: 'operator',
      edition: 'our own',
      source: 'our own',
      valid_from: new Date(),
      author,
      reason: 'stricter than they are',
    }),
    listEntry,
    lookupImport: await row('payments.lookup_import', {
      kind: 'bin',
      version: 900,
      source: 'of the network',
      as_of: '2026-01-31',
      author,
      reason: 'the newest table',
      fingerprint: hash,
    }),
    settingChange: await row('payments.setting_change', {
      brand: theirs,
      ...proposed,
      kind: 'second-charge',
      scope: 'MT',
      version: 900,
      content: { kind: 'second-charge', brand: theirs, jurisdiction: 'MT', action: 'person' },
    }),
    act: await row('payments.act_proposal', {
      brand: theirs,
      ...proposed,
      kind: 'entry-ending',
      subject: listEntry,
      content: { kind: 'entry-ending', brand: theirs, entryId: listEntry },
    }),
    integration,
    integrationProposal: String(integrationProposal['id']),
    credential: String(credential['id']),
    game,
    pool,
    freeRounds: await row('games.free_round_issue', {
      ...ofPlayer,
      integration,
      issue_id: 'issue-1',
      asset: 'EUR',
      game_code: game,
      issued_at: new Date(),
      state: 'issued',
      fingerprint: hash,
    }),
    round,
    roundVoid: await row('games.round_void_proposal', {
      ...ofPlayer,
      ...ofRound,
      round_version: 1,
      opening: 1,
      stakes: [],
      amount: '0',
      reason: 'left open by its provider',
      content_hash: hash,
      fingerprint: hash,
      proposed_by: randomUUID(),
    }),
    parkedResult: await row('games.parked_result', {
      event_id: eventId,
      market_id: marketId,
      sequence: '1',
      reason: 'contradicts-later-result',
      message: {},
    }),
    ruleVersion,
    ruleReview: await row('backoffice.rule_review', {
      brand: theirs,
      version_id: ruleVersion,
      rule_set: 'payments.deposit-routing',
      replaced: 1,
      rolled_back_by: randomUUID(),
      reason: 'the new one declined too much',
    }),
    operator: await idOf('backoffice.operator', 'status', 'active'),
    myPlayer: me.id,
    myIntegration,
    myDispute: await row('payments.dispute', {
      ...dispute,
      psp_reference: 'dp_2',
      deposit_id: randomUUID(),
      player_id: me.id,
      brand: mine,
    }),
    myRuleVersion: await idOf('backoffice.rule_version', 'brand', mine),
  };
}

/** As it stands, without what references and triggers ask for before it; the checks of the row itself hold. */
async function insertRow({ ownerPool }: TestDatabase, table: string, values: Values): Promise<void> {
  const names = Object.keys(values).join(', ');
  const places = Object.keys(values)
    .map((_, index) => `$${index + 1}`)
    .join(', ');
  const client = await ownerPool.connect();
  try {
    await client.query('begin');
    await client.query('set local session_replication_role = replica');
    await client.query(
      `insert into ${table} (${names}) overriding system value values (${places})`,
      Object.values(values),
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}
