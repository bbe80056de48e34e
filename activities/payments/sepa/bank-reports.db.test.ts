/** Reports of a bank with other habits than the sandbox's, applied to a real ledger: what they tell counts once, and nothing of it is lost. */
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { orThrow } from '#domain/failures.ts';
import { endToEndIdOf } from '#domain/payments/sepa/end-to-end-id.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { ourIban, playersIban } from '#test/workflows/bank-world.ts';
import {
  balancesOf,
  brand,
  excludeHimself,
  fingerprintOf,
  keyPlayer,
  makePlayer,
  paymentActivities,
  seedWorld,
  testKeyRing,
} from '#test/workflows/payment-world.ts';
import { fundPlayer, startWithdrawal } from '#test/workflows/payout-acts.ts';
import { announceTransfer } from '../commands/announce-transfer.ts';
import { addBankAccount } from '../commands/bank-accounts.ts';
import type { PspConnector } from '../connectors.ts';
import { createSepaConnector } from '../connectors/sepa.ts';
import type { Bank } from './bank-client.ts';
import { createBankReportActivities } from './bank-reports.ts';
import { createPayoutBatchActivities } from './payout-batches.ts';

let database: TestDatabase;
/** What the bank has in its list, in order. */
let delivered: { readonly id: number; readonly file: string }[] = [];
let last = 0;

const bank: Bank = {
  account: { iban: ourIban, bic: 'MALTMTMT', name: 'Pitboss Malta Ltd' },
  upload: async () => ({ kind: 'taken' }),
  arrival: async () => ({ kind: 'unknown' }),
  reports: async (after) =>
    delivered
      .filter(({ id }) => id > after)
      .slice(0, 100)
      .map(({ id }) => ({ id, kind: 'camt', sha256: '' })),
  report: async (wanted) => Buffer.from(delivered.find(({ id }) => id === wanted)?.file ?? ''),
};

beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 8 });
  await seedWorld(database.db);
});
afterAll(() => database?.drop());
beforeEach(() => {
  delivered = [];
});

const deps = () => ({ db: database.db, keyRing: testKeyRing, bank, log: pino({ level: 'silent' }) });
const deliver = (...files: readonly string[]): void =>
  void delivered.push(...files.map((file) => ({ id: (last += 1), file })));

async function bring(...files: readonly string[]): Promise<void> {
  deliver(...files);
  await createBankReportActivities(deps()).importReports();
}

const named = (name: string, text: string) => `<${name}>${text}</${name}>`;
const document = (message: string, body: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:${message}">${body}</Document>`;
const header = () =>
  `<GrpHdr><MsgId>${randomUUID().slice(0, 30)}</MsgId><CreDtTm>2026-11-29T18:00:00Z</CreDtTm></GrpHdr>`;
const account = `<Acct><Id><IBAN>${ourIban}</IBAN></Id></Acct>`;
/** Of no day's beginning or end: it proves nothing about the lines. */
const soFar =
  '<Bal><Tp><CdOrPrtry><Cd>ITBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-29</Dt></Dt></Bal>';
const notice = (...entries: readonly string[]) =>
  document(
    'camt.054.001.08',
    `<BkToCstmrDbtCdtNtfctn>${header()}<Ntfctn><Id>${randomUUID().slice(0, 30)}</Id>${account}${entries.join('')}</Ntfctn></BkToCstmrDbtCdtNtfctn>`,
  );
const statement = (...entries: readonly string[]) =>
  document(
    'camt.053.001.08',
    `<BkToCstmrStmt>${header()}<Stmt><Id>${randomUUID().slice(0, 30)}</Id>${account}${soFar}${entries.join('')}</Stmt></BkToCstmrStmt>`,
  );
const entry = (
  of: { amount: string; sign: 'CRDT' | 'DBIT'; entryRef?: string; bankRef?: string },
  ...payments: readonly string[]
) =>
  `<Ntry>${of.entryRef === undefined ? '' : named('NtryRef', of.entryRef)}<Amt Ccy="EUR">${of.amount}</Amt>` +
  `<CdtDbtInd>${of.sign}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-29</Dt></BookgDt>` +
  `${of.bankRef === undefined ? '' : named('AcctSvcrRef', of.bankRef)}<BkTxCd/>` +
  `${payments.length === 0 ? '' : named('NtryDtls', payments.map((one) => named('TxDtls', one)).join(''))}</Ntry>`;
const payIn = (amount: string, reference: string) =>
  `<Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>` +
  '<RltdPties><Dbtr><Pty><Nm>A Player</Nm></Pty></Dbtr></RltdPties>' +
  `<RmtInf><Strd><CdtrRefInf><Ref>${reference}</Ref></CdtrRefInf></Strd></RmtInf>`;
const ofPayout = (endToEndId: string, returned = '') =>
  `<Refs><EndToEndId>${endToEndId}</EndToEndId></Refs>${returned}`;
const came = '<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>';

async function announced(amount: string) {
  const playerId = await makePlayer(database.db);
  await keyPlayer(database.db, playerId);
  const depositId = randomUUID();
  const { reference } = orThrow(
    await announceTransfer(database.db, {
      depositId,
      playerId,
      brand,
      jurisdiction: 'MT',
      money: { amount, asset: 'EUR' },
      fingerprint: fingerprintOf(depositId),
    }),
  );
  const cash = async () => (await balancesOf(database.db, playerId)).cash;
  return { playerId, depositId, reference, cash };
}

const parked = async (): Promise<string[]> =>
  (
    await database.db
      .selectFrom('payments.workItem')
      .select('reason')
      .where('kind', '=', 'unmatched-transfer')
      .orderBy('openedAt')
      .execute()
  ).map(({ reason }) => reason);

test('payments that the bank books in one entry are each credited, once, also when the statement tells the sum', async () => {
  const [one, other] = [await announced('20.00'), await announced('30.00')];
  const bankRef = 'COLLECTIVE-1';
  const details = [payIn('20.00', one.reference), payIn('30.00', other.reference)];
  await bring(notice(entry({ amount: '50.00', sign: 'CRDT', bankRef }, ...details)));
  expect([await one.cash(), await other.cash()]).toEqual([20n, 30n]);
  await bring(
    statement(entry({ amount: '50.00', sign: 'CRDT', bankRef }, ...details)),
    statement(entry({ amount: '50.00', sign: 'CRDT', bankRef })),
  );
  expect([await one.cash(), await other.cash()]).toEqual([20n, 30n]);
  expect(await parked()).toEqual([]);
});

test('entries that a bank numbers anew in every statement are different movements', async () => {
  const [today, tomorrow] = [await announced('11.00'), await announced('12.00')];
  const entryRef = '1';
  await bring(
    statement(entry({ amount: '11.00', sign: 'CRDT', entryRef }, payIn('11.00', today.reference))),
    statement(entry({ amount: '12.00', sign: 'CRDT', entryRef }, payIn('12.00', tomorrow.reference))),
  );
  expect([await today.cash(), await tomorrow.cash()]).toEqual([11n, 12n]);
});

test('pages of one statement, and a notice that has its number, are read line by line', async () => {
  const [first, second, noticed] = [
    await announced('13.00'),
    await announced('14.00'),
    await announced('15.00'),
  ];
  const id = randomUUID().slice(0, 30);
  const paged = (page: number, text: string) =>
    text.replace(
      /<Stmt><Id>[^<]*<\/Id>/,
      `<Stmt><Id>${id}</Id><StmtPgntn><PgNb>${page}</PgNb><LastPgInd>${page === 2}</LastPgInd></StmtPgntn>`,
    );
  const credit = (amount: string, reference: string) =>
    entry({ amount, sign: 'CRDT' }, payIn(amount, reference));
  await bring(
    paged(1, statement(credit('13.00', first.reference))),
    paged(2, statement(credit('14.00', second.reference))),
    notice(credit('15.00', noticed.reference)).replace(/<Ntfctn><Id>[^<]*/, `<Ntfctn><Id>${id}`),
  );
  expect([await first.cash(), await second.cash()]).toEqual([13n, 14n]);
  const lines = await database.db
    .selectFrom('payments.bankLine')
    .select(['statementId', 'line', 'amount'])
    .where('statementId', 'like', `${id}%`)
    .orderBy('amount')
    .execute();
  expect(lines.map(({ statementId, line }) => [statementId.slice(id.length), line])).toEqual([
    ['', 1],
    ['/2', 1],
    ['', 1],
  ]);
});

test('money that comes after its player has excluded himself, or was locked, is left to a person', async () => {
  const excluded = await announced('40.00');
  const locked = await announced('41.00');
  await excludeHimself(database.db, excluded.playerId);
  await database.db
    .updateTable('pam.player')
    .set({ status: 'locked' })
    .where('id', '=', locked.playerId)
    .execute();
  const before = (await parked()).length;
  await bring(
    notice(
      entry({ amount: '40.00', sign: 'CRDT', bankRef: 'LATE-1' }, payIn('40.00', excluded.reference)),
      entry({ amount: '41.00', sign: 'CRDT', bankRef: 'LATE-2' }, payIn('41.00', locked.reference)),
    ),
  );
  expect([await excluded.cash(), await locked.cash()]).toEqual([0n, 0n]);
  expect((await parked()).slice(before)).toEqual([
    `money came for deposit:${excluded.depositId}, and its player is self-excluded`,
    `money came for deposit:${locked.depositId}, and its player is locked`,
  ]);
});

test('a bank that delivers a hundred old reports once more does not keep the new ones away', async () => {
  const pay = await announced('15.00');
  const old = Array.from({ length: 3 }, () => notice());
  await bring(...old);
  deliver(...Array.from({ length: 102 }, (_, index) => old[index % old.length] ?? ''));
  deliver(notice(entry({ amount: '15.00', sign: 'CRDT', bankRef: 'NEW-1' }, payIn('15.00', pay.reference))));
  const { importReports } = createBankReportActivities(deps());
  expect(await importReports()).toEqual({ imported: 100, hasMore: true });
  expect(await importReports()).toEqual({ imported: 3, hasMore: false });
  expect(await pay.cash()).toBe(15n);
});

/** A payout of 20 euros in a file that is sealed. */
async function sent(wrap?: (real: PspConnector) => PspConnector) {
  const payout = await queuedOnly(wrap);
  expect(await createPayoutBatchActivities(deps()).sealBatch({ batchId: payout.batchId })).toBe('sealed');
  return payout;
}

/** A payout of 20 euros that waits for a file. */
async function queuedOnly(wrap: (real: PspConnector) => PspConnector = (real) => real) {
  const { db } = database;
  const payments = paymentActivities(db, new Map([['sepa', wrap(createSepaConnector(db))]]));
  const playerId = await makePlayer(db);
  await keyPlayer(db, playerId);
  await fundPlayer(db, playerId, { psp: 'sepa' });
  const { instrumentId } = orThrow(await addBankAccount(db, testKeyRing, { playerId, iban: playersIban }));
  const at = await startWithdrawal(db, payments, { playerId, instrumentId, amount: '20.00' });
  await payments.provider.sendPayout(at);
  const batchId = randomUUID();
  const endToEndId = endToEndIdOf(`withdrawal:${at.withdrawalId}:p1`);
  return { playerId, payments, at, batchId, endToEndId };
}

const transferState = async (endToEndId: string): Promise<string> =>
  (
    await database.db
      .selectFrom('payments.bankTransfer')
      .select('state')
      .where('endToEndId', '=', endToEndId)
      .executeTakeFirstOrThrow()
  ).state;

test('a payout that comes back while its booking is being heard of is given back', async () => {
  let overtake: () => Promise<void> = async () => {};
  const { playerId, payments, at, endToEndId } = await sent((real) => ({
    ...real,
    payoutStatus: async (order) => {
      const answer = await real.payoutStatus(order);
      await overtake();
      return answer;
    },
  }));
  await bring(notice(entry({ amount: '20.00', sign: 'DBIT', bankRef: 'OUT-1' }, ofPayout(endToEndId))));
  expect(await transferState(endToEndId)).toBe('booked');
  // Between the question and the recording of its answer the bank's next report is imported.
  overtake = async () => {
    overtake = async () => {};
    await bring(
      notice(entry({ amount: '20.00', sign: 'CRDT', bankRef: 'BACK-1' }, ofPayout(endToEndId, came))),
    );
  };
  const heard = await payments.provider.refreshPayout(at);
  expect(await transferState(endToEndId)).toBe('returned');
  expect(heard.state).not.toBe('paid');
  expect((await payments.provider.refreshPayout(at)).state).toBe('declined');
  await payments.money.failLeg({ withdrawalId: at.withdrawalId, leg: 1, reason: 'payout-declined' });
  expect(await balancesOf(database.db, playerId)).toEqual({ cash: 200n, held: 0n });
});

test('payouts that another try is still sealing are waited for, not taken for none', async () => {
  const { batchId, endToEndId } = await queuedOnly();
  const { sealBatch } = createPayoutBatchActivities(deps());
  const busy = await database.pool.connect();
  await busy.query('begin');
  await busy.query('select 1 from payments.bank_transfer where end_to_end_id = $1 for update', [endToEndId]);
  const sealing = sealBatch({ batchId });
  await new Promise((resolve) => setTimeout(resolve, 300));
  await busy.query('commit');
  busy.release();
  expect(await sealing).toBe('sealed');

  const next = await queuedOnly();
  const tries = Array.from({ length: 4 }, () => sealBatch({ batchId: next.batchId }));
  expect(await Promise.all(tries)).toEqual(['sealed', 'sealed', 'sealed', 'sealed']);
  expect(await transferState(next.endToEndId)).toBe('batched');
});

const statusReport = (messageId: string, block: string) =>
  document(
    'pain.002.001.10',
    `<CstmrPmtStsRpt>${header()}<OrgnlGrpInfAndSts><OrgnlMsgId>${messageId}</OrgnlMsgId>` +
      `<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId></OrgnlGrpInfAndSts>` +
      `<OrgnlPmtInfAndSts>${block}</OrgnlPmtInfAndSts></CstmrPmtStsRpt>`,
  );

test('a block that the bank rejects as a whole pays nobody; a payment that it names has its own word', async () => {
  const { batchId, endToEndId } = await sent();
  const messageId = batchId.replaceAll('-', '');
  const blockId = `${messageId.slice(0, 31)}-1`;
  const rejected = `<PmtInfSts>RJCT</PmtInfSts><StsRsnInf><Rsn><Cd>AM04</Cd></Rsn></StsRsnInf>`;
  await bring(statusReport(messageId, `<OrgnlPmtInfId>another</OrgnlPmtInfId>${rejected}`));
  expect(await transferState(endToEndId)).toBe('batched');
  await bring(statusReport(messageId, `<OrgnlPmtInfId>${blockId}</OrgnlPmtInfId>${rejected}`));
  expect(await transferState(endToEndId)).toBe('rejected');

  const next = await sent();
  const nextId = next.batchId.replaceAll('-', '');
  await bring(
    statusReport(
      nextId,
      `<OrgnlPmtInfId>${nextId.slice(0, 31)}-1</OrgnlPmtInfId>${rejected}` +
        `<TxInfAndSts><OrgnlEndToEndId>${next.endToEndId}</OrgnlEndToEndId><TxSts>ACSP</TxSts></TxInfAndSts>`,
    ),
  );
  expect(await transferState(next.endToEndId)).toBe('accepted');
});
