/** The bank as a separate process: what it takes, refuses, books, returns and reports. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTemporaryDirectory, type PartyProcess, startParty } from '../support/party-process.ts';

const directory = createTemporaryDirectory();
const iban = 'MT84MALT011000012345MTLCAST001S';
const payee = 'DE89370400440532013000';
let bank: PartyProcess;
let count = 0;

const environment = { STATE_DIR: directory.path, API_KEY: 'bank-key', ACCOUNT_IBAN: iban };

beforeAll(async () => {
  bank = await startParty('bank', environment);
}, 30_000);
afterAll(async () => {
  await bank.stop();
  directory.remove();
});
beforeEach(() => scenario({}));

const authorised = { authorization: 'Bearer bank-key' };

async function scenario(body: object): Promise<void> {
  const answer = await fetch(`${bank.url}/_scenario`, {
    method: 'PUT',
    body: JSON.stringify({ statusMs: 10, bookMs: 10, returnMs: 10, ...body }),
  });
  expect(answer.status).toBe(200);
}

const transfer = (id: string, amount: string) =>
  `<CdtTrfTxInf><PmtId><EndToEndId>${id}</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">${amount}</InstdAmt></Amt>` +
  `<Cdtr><Nm>A Player</Nm></Cdtr><CdtrAcct><Id><IBAN>${payee}</IBAN></Id></CdtrAcct></CdtTrfTxInf>`;

function file(sum = '15.50'): { id: string; xml: string } {
  count += 1;
  const id = `MSG-${count}`;
  const body = `${transfer(`${id}-A`, '10.00')}${transfer(`${id}-B`, '5.50')}`;
  return {
    id,
    xml: `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn><GrpHdr><MsgId>${id}</MsgId><NbOfTxs>2</NbOfTxs><CtrlSum>${sum}</CtrlSum></GrpHdr><PmtInf><PmtInfId>${id}-1</PmtInfId><NbOfTxs>2</NbOfTxs><CtrlSum>${sum}</CtrlSum><DbtrAcct><Id><IBAN>${iban}</IBAN></Id></DbtrAcct>${body}</PmtInf></CstmrCdtTrfInitn></Document>`,
  };
}

const upload = (xml: string) =>
  fetch(`${bank.url}/files`, { method: 'POST', headers: authorised, body: xml });

async function reportsAbout(text: string, enough: number): Promise<string[]> {
  for (let tries = 0; ; tries += 1) {
    const list = (await (await fetch(`${bank.url}/reports`, { headers: authorised })).json()) as {
      reports: { id: number }[];
    };
    const all = await Promise.all(
      list.reports.map(async ({ id }) =>
        (await fetch(`${bank.url}/reports/${id}`, { headers: authorised })).text(),
      ),
    );
    const found = all.filter((xml) => xml.includes(text));
    if (found.length >= enough || tries > 100) return found;
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

test('a file is taken once, answered, and each payment is booked', async () => {
  const { id, xml } = file();
  expect((await upload(xml)).status).toBe(202);
  expect((await upload(xml)).status).toBe(409);
  const reports = await reportsAbout(id, 3);
  expect(reports.map((report) => /xsd:([a-z]+\.\d+)/.exec(report)?.[1])).toEqual([
    'pain.002',
    'camt.054',
    'camt.054',
  ]);
  expect(reports[0]).toContain('<GrpSts>ACCP</GrpSts>');
  expect(reports[1]).toContain('<Amt Ccy="EUR">10.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>');
});

test('wrong sums, another account and no key are refused', async () => {
  expect(await (await upload(file('15.51').xml)).json()).toEqual({ error: 'unreadable', reason: 'AM10' });
  expect(await (await upload(file().xml.replace(iban, payee))).json()).toEqual({
    error: 'unreadable',
    reason: 'AC01',
  });
  expect((await fetch(`${bank.url}/files`, { method: 'POST', body: file().xml })).status).toBe(401);
});

test('a payment can be refused, or come back after it was booked', async () => {
  await scenario({ rejects: { [payee]: 'AC04' } });
  const refused = file();
  await upload(refused.xml);
  const [answer] = await reportsAbout(refused.id, 1);
  expect(answer).toContain('<GrpSts>RJCT</GrpSts>');
  await scenario({ returns: { [payee]: 'AC04' } });
  const returned = file();
  await upload(returned.xml);
  const reports = await reportsAbout(returned.id, 5);
  expect(
    reports.filter((report) => report.includes('<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>')),
  ).toHaveLength(2);
});

test('a lost answer can be asked about by the message identifier', async () => {
  await scenario({ upload: 'error_500_taken' });
  const { id, xml } = file();
  expect((await upload(xml)).status).toBe(500);
  const ask = (messageId: string) =>
    fetch(`${bank.url}/files?messageId=${messageId}`, { headers: authorised });
  expect((await ask(id)).status).toBe(200);
  expect((await ask('MSG-0')).status).toBe(404);
  // Booked before the next day begins.
  expect(await reportsAbout(id, 3)).toHaveLength(3);
});

test('a statement leads from the last balance to the next, and survives a kill', async () => {
  await fetch(`${bank.url}/_scenario/close-day`, { method: 'POST' });
  await fetch(`${bank.url}/_scenario/incoming`, {
    method: 'POST',
    body: JSON.stringify({ name: 'A Player', iban: payee, cents: 2_500, reference: 'RF18539007547034' }),
  });
  await bank.stop('SIGKILL');
  bank = await startParty('bank', environment);
  const { statementId } = (await (
    await fetch(`${bank.url}/_scenario/close-day`, { method: 'POST' })
  ).json()) as {
    statementId: string;
  };
  const [statement] = await reportsAbout(`<Stmt><Id>${statementId}</Id>`, 1);
  expect(statement).toContain('<Ref>RF18539007547034</Ref>');
  expect(statement?.match(/<Ntry>/g)).toHaveLength(1);
});
