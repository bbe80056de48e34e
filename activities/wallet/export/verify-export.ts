/** Proves an export without any database: signatures, files, the Merkle root, sums, chains, balances, reversals, rounds. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCheckpoint, type Checkpoint } from '#domain/wallet/checkpoint.ts';
import {
  manifestNote,
  manifestSchema,
  walletLineSchema,
  type ExportedFile,
  type Manifest,
} from '#domain/wallet/export.schema.ts';
import { openNote } from '../log/signed-note.ts';
import type { Check } from '../verify.ts';
import { linesOf } from './export-lines.ts';
import { journalsIn, parseJson } from './exported-journals.ts';
import { createJournalChecks, type Finding } from './journal-checks.ts';
import { createLogChecks } from './log-checks.ts';
import { checkReversalsAndRounds, createReversals } from './reversal-checks.ts';

export type ExportVerdict = {
  readonly checks: readonly Check[];
  /** The first bad journal or entry in ledger order; null when there is none. */
  readonly firstBad: string | null;
};

/**
 * Verifies the export in `folder` against verifier keys that the caller trusts (`name+id+key`). Memory grows with the
 * number of accounts and of reversals, not with that of journals.
 */
export async function verifyExport(folder: string, trustedKeys: readonly string[]): Promise<ExportVerdict> {
  const text = await readFile(join(folder, 'manifest.json')).catch(() => null);
  const parsed = manifestSchema.safeParse(text === null ? null : parseJson(text));
  if (text === null || !parsed.success) {
    const says =
      text === null ? 'manifest.json cannot be read' : 'manifest.json is not the manifest of an export';
    return {
      checks: [{ name: 'the manifest is signed', covered: folder, findings: [says] }],
      firstBad: null,
    };
  }
  const manifest = parsed.data;
  const signed = await checkManifest(folder, text, trustedKeys);
  const { check: checkpointCheck, checkpoint } = checkCheckpoint(manifest, trustedKeys);
  const filesOf = (kind: ExportedFile['kind']) => manifest.files.filter((file) => file.kind === kind);
  const fileFindings: string[] = [];
  const log = createLogChecks(folder, filesOf('hashes'), checkpoint);
  const journals = createJournalChecks();
  const reversals = createReversals();
  const unreadable: Finding[] = [];
  const covered = filesOf('journals').reduce((sum, { lines }) => sum + lines, 0);

  for await (const { journal, bytes, place } of journalsIn(
    folder,
    [...filesOf('journals'), ...filesOf('tail')],
    (says, at) => {
      fileFindings.push(says);
      if (says.startsWith('line ')) unreadable.push({ place: at, says });
    },
  )) {
    if (place < covered) await log.take(bytes, journal?.id ?? null, place);
    if (journal === null) continue;
    journals.take(journal, place);
    reversals.take(journal, place);
  }
  journals.finish();
  await log.finish();
  for (const file of filesOf('wallets')) {
    for await (const line of linesOf(folder, file, (says) => fileFindings.push(says))) {
      const wallet = walletLineSchema.safeParse(parseJson(line));
      if (wallet.success) journals.takeWallet(wallet.data);
      else fileFindings.push(`a line of ${file.name} is not a wallet`);
    }
  }
  journals.finishWallets();
  const { reversalCheck, roundCheck } = await checkReversalsAndRounds(folder, manifest, reversals, (says) =>
    fileFindings.push(says),
  );
  const says = (findings: readonly Finding[]) => findings.map((finding) => finding.says);
  const checks: Check[] = [
    signed,
    {
      name: 'every file is the one that was written',
      covered: `${manifest.files.length} files`,
      findings: [...new Set(fileFindings)].slice(0, 20),
    },
    checkpointCheck,
    {
      name: 'every journal is the leaf that was signed',
      covered: `${covered} journals`,
      findings: says(log.findings),
    },
    {
      name: 'every journal balances',
      covered: `${covered + filesOf('tail').reduce((sum, { lines }) => sum + lines, 0)} journals`,
      findings: says(journals.balances),
    },
    { name: 'the trial balance is zero', covered: 'all assets', findings: says(journals.totals) },
    {
      name: 'every chain holds',
      covered: `${journals.entries} entries of ${journals.accounts} accounts`,
      findings: says(journals.chains),
    },
    {
      name: 'every balance equals its entries',
      covered: `${filesOf('wallets').reduce((sum, { lines }) => sum + lines, 0)} wallets`,
      findings: says(journals.projections),
    },
    reversalCheck,
    roundCheck,
  ];
  const [first] = [...unreadable, ...log.findings, ...journals.balances, ...journals.chains]
    .filter(({ place }) => place < Number.MAX_SAFE_INTEGER)
    .toSorted((left, right) => left.place - right.place);
  return { checks, firstBad: first?.says ?? null };
}

async function checkManifest(folder: string, text: Buffer, keys: readonly string[]): Promise<Check> {
  const note = await readFile(join(folder, 'manifest.sig'), 'utf8').catch(() => null);
  const wanted = manifestNote(createHash('sha256').update(text).digest('hex'));
  const finding =
    note === null
      ? 'manifest.sig is missing: nobody vouches for wallets, rounds and what lies behind the checkpoint'
      : signatureFinding(note, keys, 'the manifest', (opened) =>
          opened === wanted ? null : 'the manifest is not the one that was signed',
        );
  return {
    name: 'the manifest is signed',
    covered: `${keys.length} trusted keys`,
    findings: finding === null ? [] : [finding],
  };
}

function checkCheckpoint(
  manifest: Manifest,
  keys: readonly string[],
): { check: Check; checkpoint: Checkpoint | null } {
  let checkpoint: Checkpoint | null = null;
  const finding = signatureFinding(manifest.checkpoint, keys, 'the checkpoint', (opened) => {
    const parsed = parseCheckpoint(opened);
    if (parsed.ok) checkpoint = parsed.value;
    return parsed.ok ? null : 'the checkpoint is not one of a log';
  });
  if (checkpoint === null) {
    // Without a trusted signature the root is still compared, so that a finding can be named.
    const end = manifest.checkpoint.indexOf('\n\n');
    const parsed = parseCheckpoint(manifest.checkpoint.slice(0, end + 1));
    if (parsed.ok) checkpoint = parsed.value;
  }
  return {
    check: {
      name: 'the checkpoint is signed',
      covered: `${checkpoint?.size ?? 0} leaves`,
      findings: finding === null ? [] : [finding],
    },
    checkpoint,
  };
}

function signatureFinding(
  note: string,
  keys: readonly string[],
  what: string,
  judge: (text: string) => string | null,
): string | null {
  if (keys.length === 0) return `no key is given that ${what} could be checked with`;
  for (const key of keys) {
    const opened = openNote(note, key);
    if (opened.ok) return judge(opened.value);
  }
  return `${what} is not signed by a trusted key (${keys.map((key) => key.split('+').slice(0, 2).join('+')).join(', ')})`;
}
