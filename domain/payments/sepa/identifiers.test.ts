import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  creditorReference,
  findCreditorReference,
  isCreditorReference,
  ownBodyLength,
} from './creditor-reference.ts';
import { parseIban } from './iban.ts';
import { sepaText } from './sepa-text.ts';

const known = [
  'DE89370400440532013000',
  'GB29NWBK60161331926819',
  'MT84MALT011000012345MTLCAST001S',
  'NL91ABNA0417164300',
  'SE4550000000058398257466',
];

describe('IBANs', () => {
  it('takes what is printed with spaces and in small letters', () => {
    const parsed = parseIban('de89 3704 0044 0532 0130 00');
    expect(parsed.ok && parsed.value).toBe('DE89370400440532013000');
  });

  it.each(known)('takes %s, and refuses it with any one digit changed', (iban) => {
    expect(parseIban(iban).ok).toBe(true);
    for (let at = 2; at < iban.length; at += 1) {
      const digit = iban.charAt(at);
      if (!/\d/.test(digit)) continue;
      const changed = `${iban.slice(0, at)}${(Number(digit) + 1) % 10}${iban.slice(at + 1)}`;
      expect(parseIban(changed).ok, changed).toBe(false);
    }
  });

  it('refuses another length, another country and other characters', () => {
    for (const text of ['DE8937040044053201300', 'US64SVBKUS6S3300958879', 'DE89-3704', ''])
      expect(parseIban(text).ok, text).toBe(false);
  });
});

describe('creditor references', () => {
  it('knows the example of the standard', () => {
    expect(isCreditorReference('RF18539007547034')).toBe(true);
    expect(isCreditorReference('RF18539007547035')).toBe(false);
  });

  const body = fc
    .array(fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'), {
      minLength: ownBodyLength,
      maxLength: ownBodyLength,
    })
    .map((characters) => characters.join(''));

  it('finds its own among words, spaces and small letters', () => {
    fc.assert(
      fc.property(body, (text) => {
        const reference = creditorReference(text);
        const typed = reference.toLowerCase().replace(/(.{4})/g, '$1 ');
        expect(isCreditorReference(reference)).toBe(true);
        expect(findCreditorReference(`my deposit ${typed}, thanks`)).toBe(reference);
      }),
    );
  });

  it('does not take one with a wrong digit', () => {
    fc.assert(
      fc.property(body, (text) => {
        const reference = creditorReference(text);
        const last = reference.at(-1) === '0' ? '1' : '0';
        expect(findCreditorReference(`${reference.slice(0, -1)}${last}`)).not.toBe(reference);
      }),
    );
  });
});

describe('text for banks', () => {
  it('writes letters of Europe plainly', () => {
    expect(sepaText('Łukasz Ørsted & Söhne', 70)).toBe('Lukasz Orsted + Sohne');
    expect(sepaText('//Straße 1//', 70)).toBe('Strasse 1');
  });

  it('leaves nothing that a bank would refuse, and never more than it takes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        const written = sepaText(text, 70);
        expect(written).toMatch(/^[a-zA-Z0-9/\-?:().,'+ ]{0,70}$/);
        expect(written).not.toMatch(/^\/|\/$|\/\//);
      }),
    );
  });
});
