/** The tree against RFC 6962 itself: the test vectors of Certificate Transparency, and every tree and proof up to 70 leaves. */
import { describe, expect, test } from 'vitest';
import { hashesIn, placeOf, rootOfRun, tilePath } from '#domain/wallet/log-tile.ts';
import { leafText, type JournalLeaf } from '#domain/wallet/journal-leaf.ts';
import {
  consistencyRanges,
  createRootBuilder,
  foldSubtrees,
  inclusionRanges,
  rootOfInclusion,
  subtreesOf,
  type Hash,
  type LeafRange,
} from '#domain/wallet/merkle.ts';
import { leafHashOf, provesConsistency, provesInclusion, treeHash } from '#test/support/rfc6962.ts';
import { hashLeaf, hashNode } from './hashing.ts';
import { createNoteSigner, openNote } from './signed-note.ts';

const leaves = Array.from({ length: 70 }, (_, at) => hashLeaf(`leaf ${at}`));

/** Subtrees from the leaves themselves. */
const hashOf = (range: LeafRange): Hash =>
  foldSubtrees(
    subtreesOf(range).map(({ level, index }) =>
      rootOfRun(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level), hashNode),
    ),
    hashNode,
  );

const vectors: readonly (readonly [string, string])[] = [
  ['', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['00', 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
  ['10', 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'],
  ['2021', 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7'],
  ['3031', '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'],
  ['40414243', '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef'],
  ['5051525354555657', 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'],
  ['606162636465666768696a6b6c6d6e6f', '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'],
];

describe('the tree', () => {
  test('has the roots that Certificate Transparency publishes for its eight inputs', () => {
    const builder = createRootBuilder(hashNode);
    for (const [input, root] of vectors) {
      builder.add(hashLeaf(Buffer.from(input, 'hex')));
      expect(Buffer.from(builder.root() ?? []).toString('hex')).toBe(root);
    }
  });

  test('every tree, inclusion proof and consistency proof up to 70 leaves is what the RFC says', () => {
    for (let size = 1; size <= leaves.length; size += 1) {
      const root = treeHash(leaves.slice(0, size));
      expect(root.equals(hashOf({ begin: 0, end: size }))).toBe(true);
      for (let index = 0; index < size; index += 1) {
        const path = inclusionRanges(index, size).map(hashOf);
        const leafHash = leafHashOf(`leaf ${index}`);
        expect(provesInclusion({ leafHash, index, size, path, root })).toBe(true);
        expect(provesInclusion({ leafHash: leafHashOf('another'), index, size, path, root })).toBe(false);
        expect(Buffer.from(rootOfInclusion(leafHash, index, size, path, hashNode) ?? []).equals(root)).toBe(
          true,
        );
        expect(rootOfInclusion(leafHash, index, size, [...path, root], hashNode)).toBeNull();
      }
      for (let first = 1; first <= size; first += 1) {
        const path = consistencyRanges(first, size).map(hashOf);
        const proof = {
          first,
          firstRoot: treeHash(leaves.slice(0, first)),
          second: size,
          secondRoot: root,
          path,
        };
        expect(provesConsistency(proof)).toBe(true);
        expect(provesConsistency({ ...proof, firstRoot: leafHashOf('forged') })).toBe(false);
      }
    }
  });

  test('finds each subtree in its tile and names tiles as C2SP does', () => {
    expect(placeOf({ level: 3, index: 33 })).toEqual({ level: 0, number: 1, offset: 8, count: 8 });
    expect(placeOf({ level: 9, index: 1 })).toEqual({ level: 1, number: 0, offset: 2, count: 2 });
    expect(placeOf({ level: 8, index: 256 })).toEqual({ level: 1, number: 1, offset: 0, count: 1 });
    expect(hashesIn(Buffer.concat(leaves.slice(0, 3)))).toEqual(leaves.slice(0, 3));
    expect(tilePath({ level: 0, number: 1_234_067 }, 256)).toBe('tile/0/x001/x234/067');
    expect(tilePath({ level: 1, number: 7 }, 12)).toBe('tile/1/007.p/12');
  });
});

describe('a leaf', () => {
  const journal: JournalLeaf = {
    id: '0',
    integration: 'a\nb',
    externalId: '"é\u2028',
    code: 'any.code',
    asset: 'EUR',
    brand: 'aurora',
    amount: '5',
    occurredAt: '2026-11-24T12:00:00.000001Z',
    fingerprint: '00',
    playerId: undefined,
    reverses: undefined,
    answers: undefined,
    roundRef: undefined,
    subject: undefined,
    callId: undefined,
    details: undefined,
    entries: [
      {
        line: '0',
        account: 'house:x',
        asset: 'EUR',
        amount: '-5',
        playerId: undefined,
        seq: undefined,
        balanceAfter: undefined,
        hash: undefined,
      },
      {
        line: '1',
        account: 'cash',
        asset: 'EUR',
        amount: '5',
        playerId: 'p',
        seq: '1',
        balanceAfter: '5',
        hash: 'ab',
      },
    ],
  };

  test('is canonical JSON: names sorted, nulls left out, one line whatever the ids hold', () => {
    const text = leafText(journal);
    const sorted = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(sorted)
        : value !== null && typeof value === 'object'
          ? Object.fromEntries(
              Object.entries(value)
                .toSorted(([a], [b]) => (a < b ? -1 : 1))
                .map(([k, v]) => [k, sorted(v)]),
            )
          : value;
    expect(JSON.stringify(sorted(JSON.parse(text)))).toBe(text);
    expect(text).not.toContain('\n');
    expect(text).not.toContain('null');
  });

  test('changes with every member', () => {
    const texts = new Set([leafText(journal)]);
    for (const name of Object.keys(journal))
      if (name !== 'entries') texts.add(leafText({ ...journal, [name]: 'changed' }));
    for (const name of Object.keys(journal.entries[0] ?? {}))
      texts.add(
        leafText({
          ...journal,
          entries: journal.entries.map((entry, at) => (at === 0 ? { ...entry, [name]: 'changed' } : entry)),
        }),
      );
    expect(texts.size).toBe(1 + 16 + 8);
  });
});

describe('a signed note', () => {
  const signer = createNoteSigner('operator.example/ledger', Buffer.alloc(32, 7));
  const note = signer.sign('operator.example/ledger\n3\nq6q2\n');

  test('opens with the key that signed it and no other', () => {
    expect(openNote(note, signer.vkey)).toEqual({ ok: true, value: 'operator.example/ledger\n3\nq6q2\n' });
    const other = createNoteSigner('operator.example/ledger', Buffer.alloc(32, 8));
    expect(openNote(note, other.vkey)).toMatchObject({ ok: false, failure: { code: 'invalid-signature' } });
  });

  test('does not open when a byte of it was changed, nor with a key whose id is not its own', () => {
    expect(openNote(note.replace('\n3\n', '\n4\n'), signer.vkey)).toMatchObject({ ok: false });
    expect(openNote(note, signer.vkey.replace(/\+[0-9a-f]{8}\+/, '+00000000+'))).toMatchObject({
      failure: { code: 'invalid-request' },
    });
    expect(openNote('no note', signer.vkey)).toMatchObject({ failure: { code: 'invalid-request' } });
  });
});
