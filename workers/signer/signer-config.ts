/** The signer's own variables: it is told nothing else of the platform, and the platform is not told these. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { assets } from '#domain/assets.ts';
import { chainNames, chainOf, tokenListProblems } from '#domain/payments/crypto/chains.ts';
import { parseDecimal } from '#domain/money.ts';
import { getAddress, isAddress } from 'viem';
import { ConfigFailure } from '../config-failure.ts';
import type { Environment } from '../config.ts';
import { Secret } from '../secret.ts';

const pairs = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
      .map((item) => item.split('=') as [string, string?])
      .map(([name, given = '']) => ({ name, given })),
  );

const variables = z.object({
  PORT: z.coerce.number().int().min(1).max(65_535),
  HOST: z.string().default('127.0.0.1'),
  EVM_CHAIN: z.enum(chainNames).default('ethereum'),
  EVM_CHAIN_ID: z.coerce.number().int().positive(),
  EVM_TOKENS: pairs,
  EVM_SIGNER_SECRET: z.string().min(24),
  /** 32 bytes or more in hexadecimal, or the name of a file that holds them. */
  SIGNER_SEED: z
    .string()
    .regex(/^([0-9a-f]{2}){32,64}$/i)
    .optional(),
  SIGNER_SEED_FILE: z.string().optional(),
  /** Such as USDT=10000,ETH=5, in whole units. */
  SIGNER_PAYOUT_MAX: pairs,
  SIGNER_DAY_MAX: pairs,
  /** Most that fees may take in a day, in whole coins. */
  SIGNER_FEE_DAY_MAX: z.string().optional(),
  SIGNER_FEE_MAX_GWEI: z.coerce.number().int().positive().default(500),
});

export type SignerConfig = {
  readonly port: number;
  readonly host: string;
  readonly chainId: number;
  readonly coin: string;
  readonly tokens: readonly { readonly asset: string; readonly contract: string }[];
  readonly secret: Secret;
  readonly seed: Secret<Buffer>;
  readonly payoutMax: ReadonlyMap<string, bigint>;
  readonly dayMax: ReadonlyMap<string, bigint>;
  /** Wei. */
  readonly feeDayMax: bigint;
  readonly maxFeePerGas: bigint;
};

/** Throws `ConfigFailure` with a sentence per problem; values are never repeated in it. */
export function loadSignerConfig(environment: Environment): SignerConfig {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = variables.safeParse(present);
  if (!parsed.success)
    throw new ConfigFailure(
      parsed.error.issues.map(({ path }) => `${path.join('.')} is missing or malformed.`),
    );
  const given = parsed.data;
  const problems: string[] = [];
  const tokens = given.EVM_TOKENS.map(({ name, given: contract }) => ({ asset: name, contract }));
  if (!tokens.every(({ contract }) => isAddress(contract, { strict: false })))
    problems.push('EVM_TOKENS must be assets with their contracts.');
  problems.push(...tokenListProblems(given.EVM_CHAIN, tokens));
  const seed = given.SIGNER_SEED ?? seedFrom(given.SIGNER_SEED_FILE, problems);
  const payoutMax = limitsOf(given.SIGNER_PAYOUT_MAX, 'SIGNER_PAYOUT_MAX', problems);
  const dayMax = limitsOf(given.SIGNER_DAY_MAX, 'SIGNER_DAY_MAX', problems);
  const { coin } = chainOf(given.EVM_CHAIN);
  const feeDayMax = feesOf(given.SIGNER_FEE_DAY_MAX ?? feesOfDay[coin] ?? '', coin, problems);
  if (problems.length > 0) throw new ConfigFailure(problems);
  return {
    port: given.PORT,
    host: given.HOST,
    chainId: given.EVM_CHAIN_ID,
    coin,
    tokens: tokens.map(({ asset, contract }) => ({ asset, contract: getAddress(contract) })),
    secret: new Secret(given.EVM_SIGNER_SECRET),
    seed: new Secret(Buffer.from(seed, 'hex')),
    payoutMax,
    dayMax,
    feeDayMax,
    maxFeePerGas: BigInt(given.SIGNER_FEE_MAX_GWEI) * 10n ** 9n,
  };
}

/** What thousands of transfers cost on a dear day. */
const feesOfDay: Readonly<Record<string, string>> = { ETH: '5', BNB: '25', POL: '5000' };

function feesOf(given: string, coin: string, problems: string[]): bigint {
  const parsed = parseDecimal(given, assets.get(coin)?.payableScale ?? 0);
  if (parsed.ok && parsed.value > 0n) return parsed.value;
  problems.push(`SIGNER_FEE_DAY_MAX must be an amount of ${coin}.`);
  return 0n;
}

function seedFrom(file: string | undefined, problems: string[]): string {
  try {
    const text = file === undefined ? '' : readFileSync(file, 'utf8').trim();
    if (/^([0-9a-f]{2}){32,64}$/i.test(text)) return text;
  } catch {
    // Said below, without the file's content.
  }
  problems.push('SIGNER_SEED or SIGNER_SEED_FILE must give 32 to 64 bytes in hexadecimal.');
  return '';
}

function limitsOf(
  list: readonly { name: string; given: string }[],
  variable: string,
  problems: string[],
): ReadonlyMap<string, bigint> {
  const limits = new Map<string, bigint>();
  for (const { name, given } of list) {
    const scale = assets.get(name)?.payableScale;
    const parsed = scale === undefined ? undefined : parseDecimal(given, scale);
    if (parsed?.ok === true) limits.set(name, parsed.value);
    else problems.push(`${variable} holds an unknown asset or no amount for ${name.slice(0, 12)}.`);
  }
  return limits;
}
