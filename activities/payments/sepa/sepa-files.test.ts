/** Files out and in: what we write is valid and adds up, what we read is exact, and what is wrong is refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orThrow } from '#domain/failures.ts';
import { fromMinorUnits } from '#domain/money.ts';
import { readCamt } from '#domain/payments/sepa/camt.ts';
import { buildPain001, euroText, type CreditTransferBatch } from '#domain/payments/sepa/pain-001.ts';
import { readPain002 } from '#domain/payments/sepa/pain-002.ts';
import { childrenOf, elementAt, textAt } from '#domain/payments/sepa/xml-tree.ts';
import { checkSchema, messageNameOf, type MessageName } from './check-schema.ts';
import { readXml } from './read-xml.ts';

const iban = 'DE89370400440532013000';
const euro = (cents: bigint) => fromMinorUnits(cents, 'EUR');

const transfer = (endToEndId: string, cents: bigint, more: object = {}) => ({
  endToEndId,
  amount: euro(cents),
  creditor: { name: 'Ada Example', iban },
  remittance: 'Withdrawal',
  requestedOn: '2026-11-26',
  ...more,
});

const batchOf = (transfers: CreditTransferBatch['transfers']): CreditTransferBatch => ({
  messageId: 'MSG-1',
  createdAt: '2026-11-25T12:00:00Z',
  debtor: { name: 'Pitboss Málta Ltd', iban: 'MT84MALT011000012345MTLCAST001S', bic: 'MALTMTMT' },
  transfers,
});

const bytes = (text: string) => Buffer.from(text, 'utf8');
const tree = (text: string) => orThrow(readXml(bytes(text)));
const refused = (result: { ok: boolean }) => !result.ok;
const isValid = (text: string, name: MessageName) => checkSchema(bytes(text), name).ok;

describe('pain.001', () => {
  it('is valid, adds up exactly and keeps every amount, whatever is in it', () => {
    const cents = fc.bigInt({ min: 1n, max: 99_999_999_999n });
    const text = fc.string({ unit: 'grapheme', maxLength: 90 });
    const payment = fc.record({
      cents,
      text,
      day: fc.constantFrom('2026-11-26', '2026-11-27', '2026-12-01'),
    });
    fc.assert(
      fc.property(fc.array(payment, { minLength: 1, maxLength: 40 }), (payments) => {
        const transfers = payments.map(({ cents: each, text: words, day }, index) =>
          transfer(`E${index}`, each, {
            remittance: words,
            requestedOn: day,
            creditor: { name: `N ${words}`, iban },
          }),
        );
        const file = orThrow(buildPain001(batchOf(transfers)));
        expect(checkSchema(bytes(file), 'pain.001.001.09')).toEqual({ ok: true, value: null });
        const root = elementAt(tree(file), 'CstmrCdtTrfInitn');
        expect(textAt(root, 'GrpHdr/CtrlSum')).toBe(
          euroText(euro(payments.reduce((sum, { cents: each }) => sum + each, 0n))),
        );
        const blocks = childrenOf(root, 'PmtInf');
        expect(blocks).toHaveLength(new Set(payments.map(({ day }) => day)).size);
        const written = blocks.flatMap((block) =>
          childrenOf(block, 'CdtTrfTxInf').map((one) =>
            [
              textAt(one, 'PmtId/EndToEndId'),
              textAt(one, 'Amt/InstdAmt'),
              textAt(block, 'ReqdExctnDt/Dt'),
            ].join(' '),
          ),
        );
        const wanted = payments.map(
          ({ cents: each, day }, index) => `E${index} ${euroText(euro(each))} ${day}`,
        );
        expect(new Set(written)).toEqual(new Set(wanted));
        expect(written).toHaveLength(wanted.length);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['no transfer', []],
    ['a name twice', [transfer('E1', 1n), transfer('E1', 2n)]],
    ['an identifier that is too long', [transfer('E'.repeat(36), 1n)]],
    [
      'an IBAN that does not check out',
      [transfer('E1', 1n, { creditor: { name: 'A', iban: `${iban.slice(0, -1)}1` } })],
    ],
    ['a creditor without a name', [transfer('E1', 1n, { creditor: { name: '//', iban } })]],
    ['less than a cent', [{ ...transfer('E1', 1n), amount: euro(1n) + 1n }]],
    ['nothing', [transfer('E1', 0n)]],
    ['more than a transfer carries', [transfer('E1', 100_000_000_000n)]],
  ])('is refused with %s', (_what, transfers) => {
    expect(refused(buildPain001(batchOf(transfers)))).toBe(true);
  });

  it('is caught by the schema when a sum, a currency or an element is wrong', () => {
    const file = orThrow(buildPain001(batchOf([transfer('E1', 1_000n)])));
    for (const [from, to] of [
      ['10.00', '10.001'],
      ['Ccy="EUR"', 'Ccy="USD"'],
      ['<ChrgBr>SLEV</ChrgBr>', ''],
      ['<EndToEndId>E1</EndToEndId>', '<EndToEndId></EndToEndId>'],
      [`<IBAN>${iban}</IBAN>`, '<IBAN>not one</IBAN>'],
    ] as const)
      expect(isValid(file.replace(from, to), 'pain.001.001.09'), from).toBe(false);
  });
});

describe('XML from outside', () => {
  it('may not define a document type, entities least of all', () => {
    const bomb = `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>`;
    const file = `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`;
    for (const text of [bomb, file]) expect(refused(readXml(bytes(text)))).toBe(true);
  });

  it('is refused when it is broken, too deep, without a single root or not UTF-8', () => {
    const deep = `${'<a>'.repeat(60)}${'</a>'.repeat(60)}`;
    for (const text of ['', 'no xml', '<a><b></a>', '<a/><b/>', deep])
      expect(refused(readXml(bytes(text))), text.slice(0, 20)).toBe(true);
    expect(refused(readXml(Buffer.from([0x3c, 0xff, 0x3e])))).toBe(true);
  });

  it('keeps amounts as the text that was sent, and names without prefix', () => {
    const root = tree('<x:a xmlns:x="u"><x:b Ccy="EUR">0012345678901234567.10</x:b></x:a>');
    expect(root).toMatchObject({ name: 'a', children: [{ name: 'b', attributes: { Ccy: 'EUR' } }] });
    expect(textAt(root, 'b')).toBe('0012345678901234567.10');
  });
});

const camt = (body: string, message = 'camt.053.001.08', root = 'BkToCstmrStmt', part = 'Stmt') =>
  `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:${message}"><${root}><GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-25T20:00:00Z</CreDtTm></GrpHdr><${part}><Id>S1</Id><Acct><Id><IBAN>${iban}</IBAN></Id></Acct>${body}</${part}></${root}></Document>`;
const balance = (code: string, amount: string, sign = 'CRDT') =>
  `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>${sign}</CdtDbtInd><Dt><Dt>2026-11-25</Dt></Dt></Bal>`;
const entry = (amount: string, sign: string, details = '', status = 'BOOK') =>
  `<Ntry><Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>${sign}</CdtDbtInd><Sts><Cd>${status}</Cd></Sts><BookgDt><Dt>2026-11-25</Dt></BookgDt><AcctSvcrRef>B1</AcctSvcrRef><BkTxCd/>${details}</Ntry>`;
const details = (...payments: string[]) =>
  `<NtryDtls>${payments.map((one) => `<TxDtls>${one}</TxDtls>`).join('')}</NtryDtls>`;

describe('camt', () => {
  it('gives one line for each payment of an entry, signed and exact', () => {
    const file = camt(
      balance('OPBD', '100.00') +
        balance('CLBD', '124.99') +
        entry(
          '35.01',
          'CRDT',
          details(
            `<Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><Amt Ccy="EUR">20.00</Amt><RltdPties><Dbtr><Pty><Nm>Ada</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>${iban}</IBAN></Id></DbtrAcct></RltdPties><RmtInf><Strd><CdtrRefInf><Ref>RF18 5390 0754 7034</Ref></CdtrRefInf></Strd></RmtInf>`,
            `<Amt Ccy="EUR">15.01</Amt><RmtInf><Ustrd>hello</Ustrd></RmtInf>`,
          ),
        ) +
        entry('10.02', 'DBIT', details(`<Refs><EndToEndId>E1</EndToEndId></Refs>`)) +
        entry('500.00', 'CRDT', '', 'PDNG'),
    );
    expect(checkSchema(bytes(file), 'camt.053.001.08')).toEqual({ ok: true, value: null });
    const [statement] = orThrow(readCamt(tree(file)));
    expect(statement).toMatchObject({ kind: 'statement', statementId: 'S1', account: iban });
    expect(statement?.lines).toMatchObject([
      {
        line: 1,
        amount: euro(2_000n),
        endToEndId: null,
        reference: 'RF18539007547034',
        counterpartyName: 'Ada',
        counterpartyIban: iban,
      },
      { line: 2, amount: euro(1_501n), reference: 'hello', counterpartyName: null },
      { line: 3, amount: euro(-1_002n), endToEndId: 'E1', reference: 'B1', returnReason: null },
    ]);
  });

  it('is refused where it contradicts itself', () => {
    const wrongClosing = camt(balance('OPBD', '0') + balance('CLBD', '10.01') + entry('10.00', 'CRDT'));
    const wrongParts = camt(
      balance('OPBD', '0') +
        balance('CLBD', '10') +
        entry('10.00', 'CRDT', details('<Amt Ccy="EUR">4</Amt>', '<Amt Ccy="EUR">5</Amt>')),
    );
    const float = camt(entry('1e3', 'CRDT'));
    const negative = camt(entry('-5.00', 'CRDT'));
    const currency = camt(entry('5.00', 'CRDT').replace('EUR', 'XXX'));
    for (const file of [wrongClosing, wrongParts, float, negative, currency, '<Document/>'])
      expect(refused(readCamt(tree(file))), file.slice(-120)).toBe(true);
  });

  it('tells a return by its reason, with the creditor that the money came back from', () => {
    const file = camt(
      entry(
        '7.00',
        'CRDT',
        details(
          `<Refs><EndToEndId>E9</EndToEndId></Refs><RltdPties><Cdtr><Pty><Nm>Ada</Nm></Pty></Cdtr></RltdPties><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>`,
        ),
      ),
      'camt.054.001.08',
      'BkToCstmrDbtCdtNtfctn',
      'Ntfctn',
    );
    expect(messageNameOf(file)).toBe('camt.054.001.08');
    expect(checkSchema(bytes(file), 'camt.054.001.08')).toEqual({ ok: true, value: null });
    expect(orThrow(readCamt(tree(file)))).toMatchObject([
      {
        kind: 'notice',
        lines: [{ amount: euro(700n), endToEndId: 'E9', returnReason: 'AC04', counterpartyName: 'Ada' }],
      },
    ]);
  });

  it('that lacks what a line needs is caught by the schema, which tells no content', () => {
    const checked = checkSchema(
      bytes(camt(balance('OPBD', '0') + entry('5.00', 'SIDEWAYS'))),
      'camt.053.001.08',
    );
    expect(checked.ok ? '' : checked.failure.detail).toMatch(/line 1, element CdtDbtInd/);
  });
});

describe('pain.002', () => {
  const report = (group: string, rest = '') =>
    `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-11-25T12:00:00Z</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>MSG-1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>${group}</GrpSts></OrgnlGrpInfAndSts>${rest}</CstmrPmtStsRpt></Document>`;

  it('answers for the whole file, or payment by payment', () => {
    const whole = report('RJCT');
    const parts = report(
      'PART',
      `<OrgnlPmtInfAndSts><OrgnlPmtInfId>MSG-1-1</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>ACSP</TxSts></TxInfAndSts><TxInfAndSts><OrgnlEndToEndId>E2</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts>`,
    );
    for (const file of [whole, parts])
      expect(checkSchema(bytes(file), 'pain.002.001.10')).toEqual({ ok: true, value: null });
    expect(orThrow(readPain002(tree(whole)))).toEqual({
      originalMessageId: 'MSG-1',
      group: 'rejected',
      blocks: [],
      payments: [],
    });
    expect(orThrow(readPain002(tree(parts)))).toEqual({
      originalMessageId: 'MSG-1',
      group: null,
      blocks: [],
      payments: [
        { endToEndId: 'E1', status: 'accepted', reason: null },
        { endToEndId: 'E2', status: 'rejected', reason: 'AC04' },
      ],
    });
  });

  it('with a code of another version proves nothing', () => {
    expect(orThrow(readPain002(tree(report('ABCD')))).group).toBe(null);
    expect(refused(readPain002(tree('<Document/>')))).toBe(true);
  });
});
