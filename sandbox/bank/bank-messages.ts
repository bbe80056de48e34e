/** What the bank writes: pain.002 about a file, camt.054 about one movement, camt.053 about a day. */

export interface Movement {
  id: number;
  /** Cents; negative where money left the account. */
  cents: number;
  booked_on: string;
  end_to_end_id: string | null;
  name: string;
  iban: string;
  reference: string | null;
  text: string | null;
  return_reason: string | null;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string) => text.replace(/[&<>"]/g, (character) => entities[character] ?? '');
const tag = (name: string, ...content: string[]) => `<${name}>${content.join('')}</${name}>`;
const leaf = (name: string, text: string) => tag(name, escaped(text));

const decimal = (cents: number): string => {
  const digits = String(Math.abs(cents)).padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
};
const amount = (cents: number) =>
  `<Amt Ccy="EUR">${decimal(cents)}</Amt>${leaf('CdtDbtInd', cents < 0 ? 'DBIT' : 'CRDT')}`;

const document = (message: string, body: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:${message}">${body}</Document>\n`;
const header = (id: string) => tag('GrpHdr', leaf('MsgId', id), leaf('CreDtTm', new Date().toISOString()));

export interface Verdict {
  endToEndId: string;
  reason: string | null;
}

/** `fileReason` refuses the whole file; otherwise each payment has its own verdict. */
export function statusReport(
  id: string,
  file: { messageId: string; blockId: string },
  fileReason: string | null,
  verdicts: readonly Verdict[],
): string {
  const refused = verdicts.filter(({ reason }) => reason !== null).length;
  const group = fileReason !== null || refused === verdicts.length ? 'RJCT' : refused === 0 ? 'ACCP' : 'PART';
  const because = (reason: string | null) =>
    reason === null ? '' : tag('StsRsnInf', tag('Rsn', leaf('Cd', reason)));
  return document(
    'pain.002.001.10',
    tag(
      'CstmrPmtStsRpt',
      header(id),
      tag(
        'OrgnlGrpInfAndSts',
        leaf('OrgnlMsgId', file.messageId),
        leaf('OrgnlMsgNmId', 'pain.001.001.09'),
        leaf('GrpSts', group),
        because(fileReason),
      ),
      ...(fileReason === null
        ? [
            tag(
              'OrgnlPmtInfAndSts',
              leaf('OrgnlPmtInfId', file.blockId),
              ...verdicts.map(({ endToEndId, reason }) =>
                tag(
                  'TxInfAndSts',
                  leaf('OrgnlEndToEndId', endToEndId),
                  leaf('TxSts', reason === null ? 'ACSP' : 'RJCT'),
                  because(reason),
                ),
              ),
            ),
          ]
        : []),
    ),
  );
}

function entry(movement: Movement, omitsEndToEndId: boolean): string {
  const isOurs = movement.cents < 0 || movement.return_reason !== null;
  const [party, account] = isOurs ? ['Cdtr', 'CdtrAcct'] : ['Dbtr', 'DbtrAcct'];
  const named = omitsEndToEndId ? 'NOTPROVIDED' : (movement.end_to_end_id ?? 'NOTPROVIDED');
  const remittance = [
    ...(movement.text === null ? [] : [leaf('Ustrd', movement.text)]),
    ...(movement.reference === null
      ? []
      : [
          tag(
            'Strd',
            tag(
              'CdtrRefInf',
              tag('Tp', tag('CdOrPrtry', leaf('Cd', 'SCOR'))),
              leaf('Ref', movement.reference),
            ),
          ),
        ]),
  ];
  return tag(
    'Ntry',
    leaf('NtryRef', `N${movement.id}`),
    amount(movement.cents),
    tag('Sts', leaf('Cd', 'BOOK')),
    tag('BookgDt', leaf('Dt', movement.booked_on)),
    leaf('AcctSvcrRef', `SBX${movement.id}`),
    tag('BkTxCd', tag('Prtry', leaf('Cd', 'NTRF'))),
    tag(
      'NtryDtls',
      tag(
        'TxDtls',
        tag('Refs', leaf('EndToEndId', named)),
        amount(movement.cents),
        tag(
          'RltdPties',
          tag(party, tag('Pty', leaf('Nm', movement.name))),
          tag(account, tag('Id', leaf('IBAN', movement.iban))),
        ),
        ...(remittance.length === 0 ? [] : [tag('RmtInf', ...remittance)]),
        ...(movement.return_reason === null
          ? []
          : [tag('RtrInf', tag('Rsn', leaf('Cd', movement.return_reason)))]),
      ),
    ),
  );
}

export const notice = (id: string, iban: string, movement: Movement, omitsEndToEndId: boolean): string =>
  document(
    'camt.054.001.08',
    tag(
      'BkToCstmrDbtCdtNtfctn',
      header(id),
      tag(
        'Ntfctn',
        leaf('Id', id),
        tag('Acct', tag('Id', leaf('IBAN', iban))),
        entry(movement, omitsEndToEndId),
      ),
    ),
  );

export function dayStatement(
  id: string,
  iban: string,
  day: string,
  openingCents: number,
  movements: readonly Movement[],
  omitsEndToEndId: boolean,
): string {
  const closingCents = movements.reduce((sum, { cents }) => sum + cents, openingCents);
  const balance = (code: string, cents: number) =>
    tag('Bal', tag('Tp', tag('CdOrPrtry', leaf('Cd', code))), amount(cents), tag('Dt', leaf('Dt', day)));
  return document(
    'camt.053.001.08',
    tag(
      'BkToCstmrStmt',
      header(id),
      tag(
        'Stmt',
        leaf('Id', id),
        tag('Acct', tag('Id', leaf('IBAN', iban)), leaf('Ccy', 'EUR')),
        balance('OPBD', openingCents),
        balance('CLBD', closingCents),
        ...movements.map((movement) => entry(movement, omitsEndToEndId)),
      ),
    ),
  );
}
