/** Texts whose bytes are hashed or signed: written out here by hand, because a changed byte makes old proofs worthless. */
import { describe, expect, test } from 'vitest';
import { adjustmentContent } from './adjustments.ts';
import { chainText } from './chain.ts';
import { checkpointText, noteText, parseCheckpoint, parseNote } from './checkpoint.ts';
import { coveredColumns, leafText, type JournalLeaf } from './journal-leaf.ts';

test('an entry of a chain is eight lines after the hash before it', () => {
  const entry = {
    journalId: 'j',
    playerId: 'p',
    asset: 'EUR',
    account: 'cash',
    seq: 2n,
    amount: -5n,
    balanceAfter: 10n,
  };
  expect(chainText('00ff', entry)).toBe('00ff\nj\np\nEUR\ncash\n2\n-5\n10');
  expect(chainText('', entry)).toBe('\nj\np\nEUR\ncash\n2\n-5\n10');
});

test('a correction is bound to eight lines', () => {
  expect(
    adjustmentContent({
      id: 'i',
      playerId: 'p',
      asset: 'EUR',
      direction: 'credit',
      amount: 5n,
      reasonCode: 'goodwill',
      note: 'two\nlines',
    }),
  ).toBe('adjustment\ni\np\nEUR\ncredit\n5\ngoodwill\ntwo\nlines');
});

describe('a leaf of the log', () => {
  const journal: JournalLeaf = {
    amount: '5',
    answers: undefined,
    asset: 'EUR',
    brand: 'aurora',
    callId: undefined,
    code: 'bet.place',
    details: undefined,
    entries: [
      {
        account: 'cash',
        amount: '-5',
        asset: 'EUR',
        balanceAfter: '0',
        hash: 'ff',
        line: '0',
        playerId: 'p',
        seq: '1',
      },
      {
        account: 'house:casino:gaming',
        amount: '5',
        asset: 'EUR',
        balanceAfter: undefined,
        hash: undefined,
        line: '1',
        playerId: undefined,
        seq: undefined,
      },
    ],
    externalId: 'x',
    fingerprint: '00',
    id: 'j',
    integration: 'studio',
    occurredAt: '2026-11-24T12:00:00.000000Z',
    playerId: 'p',
    reverses: undefined,
    roundRef: 'r',
    subject: undefined,
  };

  test('is this text', () => {
    expect(leafText(journal)).toBe(
      '{"amount":"5","asset":"EUR","brand":"aurora","code":"bet.place","entries":[' +
        '{"account":"cash","amount":"-5","asset":"EUR","balanceAfter":"0","hash":"ff","line":"0","playerId":"p","seq":"1"},' +
        '{"account":"house:casino:gaming","amount":"5","asset":"EUR","line":"1"}],' +
        '"externalId":"x","fingerprint":"00","id":"j","integration":"studio",' +
        '"occurredAt":"2026-11-24T12:00:00.000000Z","playerId":"p","roundRef":"r"}',
    );
  });

  test('covers each column under its own name, and an entry’s journal by standing in it', () => {
    const names = (members: object): string[] =>
      Object.keys(members).map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
    expect(names(journal).filter((name) => name !== 'entries')).toEqual(coveredColumns.journal);
    expect([...names(journal.entries[0] ?? {}), 'journal_id'].toSorted()).toEqual(coveredColumns.entry);
  });
});

describe('a checkpoint', () => {
  const root = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=';
  const text = `operator.example/ledger\n12\n${root}\n`;

  test('is three lines, and is read back from them', () => {
    const checkpoint = { origin: 'operator.example/ledger', size: 12, root };
    expect(checkpointText(checkpoint)).toBe(text);
    expect(parseCheckpoint(text)).toEqual({ ok: true, value: checkpoint });
    expect(parseCheckpoint(text.replace('\n12\n', '\n0\n'))).toMatchObject({ value: { size: 0 } });
    expect(parseCheckpoint(text.replace('\n12\n', '\n9007199254740991\n'))).toMatchObject({
      value: { size: Number.MAX_SAFE_INTEGER },
    });
  });

  test.each([
    ['without its last line end', text.slice(0, -1)],
    ['with something before it', `\n${text}`],
    ['with something after it', `${text}x`],
    ['with an extension line', `${text}more\n`],
    ['without an origin', text.slice(text.indexOf('\n'))],
    ['with a space in its origin', text.replace('/ledger', ' ledger')],
    ['with a plus in its origin', text.replace('/ledger', '+ledger')],
    ['whose size begins with zero', text.replace('\n12\n', '\n012\n')],
    ['whose size is no number', text.replace('\n12\n', '\n1a\n')],
    ['whose size is negative', text.replace('\n12\n', '\n-1\n')],
    ['without a size', text.replace('\n12\n', '\n\n')],
    ['whose size is longer than a number can be exact', text.replace('\n12\n', '\n12345678901234567\n')],
    ['whose root is too short', text.replace('Cs', 'C')],
    ['whose root is too long', text.replace('Cs', 'Css')],
    ['whose root is no base64', text.replace('Cs', 'C.')],
    ['whose root has no padding', text.replace('=', '')],
  ])('is none %s', (_, wrong) => {
    expect(parseCheckpoint(wrong)).toEqual({
      ok: false,
      failure: { code: 'invalid-request', detail: 'The text is not a checkpoint.' },
    });
  });
});

describe('a signed note', () => {
  const note = 'first\nsecond\n\n\u2014 operator.example 1Ab+/w==\n\u2014 witness abc=\n';
  const signed = {
    text: 'first\nsecond\n',
    signatures: [
      { name: 'operator.example', value: '1Ab+/w==' },
      { name: 'witness', value: 'abc=' },
    ],
  };

  test('is its text, an empty line and a line for each signature, and is read back from them', () => {
    expect(noteText(signed)).toBe(note);
    expect(parseNote(note)).toEqual({ ok: true, value: signed });
  });

  test('ends its text at the last empty line', () => {
    expect(parseNote(`title\n\n${note}`)).toMatchObject({ value: { text: 'title\n\nfirst\nsecond\n' } });
    expect(parseNote('\n\n\u2014 n ab\n')).toEqual({
      ok: true,
      value: { text: '\n', signatures: [{ name: 'n', value: 'ab' }] },
    });
  });

  test.each([
    ['with signatures alone', 'x\u2014 witness abc=\n'],
    ['without an empty line', note.replace('\n\n', '\n')],
    ['without its last line end', note.slice(0, -1)],
    ['whose last line end is another sign', `${note.slice(0, -1)}x`],
    ['without a signature', 'first\n\n'],
    ['with a line that is no signature', `${note}first\n`],
    ['with a broken line between signatures', note.replace('\u2014 witness', 'witness')],
    ['whose signature does not begin the line', note.replace('\u2014 witness', ' \u2014 witness')],
    ['with a hyphen instead of the dash', note.replace('\u2014 witness', '- witness')],
    ['with a plus in a name', note.replace('witness', 'wit+ness')],
    ['with a space in a name', note.replace('witness', 'wit ness')],
    ['without a name', note.replace('witness ', '')],
    ['without a value', note.replace('abc=', '')],
    ['with something after a value', note.replace('abc=', 'abc= x')],
    ['with too much padding', note.replace('abc=', 'abc===')],
    ['with a value that is no base64', note.replace('abc=', 'ab.c')],
    ['with padding alone', note.replace('abc=', '=')],
  ])('is none %s', (_, wrong) => {
    expect(parseNote(wrong)).toEqual({
      ok: false,
      failure: { code: 'invalid-request', detail: 'The text is not a signed note.' },
    });
  });
});
