/** What we ask a node of an EVM chain, in our words: blocks, transfers, receipts, fees, and the sending of signed bytes. */
import {
  createPublicClient,
  encodeEventTopics,
  erc20Abi,
  getAddress,
  http,
  parseEventLogs,
  TransactionReceiptNotFoundError,
  BlockNotFoundError,
  type Address,
  type Hash,
  type Hex,
} from 'viem';
import { fail, FailureError } from '#domain/failures.ts';
import type { ChainName, ListedToken } from '#domain/payments/crypto/chains.ts';
import type { Fees } from '#domain/payments/crypto/hot-wallet.ts';

export type ChainAccount = {
  readonly chain: ChainName;
  readonly chainId: number;
  readonly rpcUrl: string;
  /** Of the account (m/44'/60'/0'): addresses of players below 0, the hot wallet is 1/0. */
  readonly xpub: string;
  readonly tokens: readonly ListedToken[];
};

export type BlockSeen = { readonly height: bigint; readonly hash: Hash; readonly parentHash: Hash };

/** Money that arrived at an address; `logIndex` is -1 for the chain's own coin. */
export type TransferSeen = {
  readonly txHash: Hash;
  readonly logIndex: number;
  /** Whose balance it left: often a common wallet of an exchange. */
  readonly from: Address;
  readonly to: Address;
  /** Null for the chain's own coin. */
  readonly contract: Address | null;
  readonly raw: bigint;
};

export type ReceiptSeen = {
  readonly blockHeight: bigint;
  readonly blockHash: Hash;
  readonly succeeded: boolean;
  readonly feePaid: bigint;
};

export interface ChainClient {
  /** Throws when the node is of another chain, or a listed contract counts in other places than our asset. */
  check(placesOf: (asset: string) => number): Promise<void>;
  head(): Promise<BlockSeen>;
  /** Null where the chain has no block at this height. */
  block(height: bigint): Promise<BlockSeen | null>;
  /** Transfers of listed tokens, and of the coin by plain transactions, in exactly this block. */
  transfers(block: BlockSeen): Promise<readonly TransferSeen[]>;
  /** Null while no block of the chain holds the transaction. */
  receipt(txHash: string): Promise<ReceiptSeen | null>;
  /** Transactions of the address in blocks so far. */
  nonce(address: string): Promise<number>;
  fees(): Promise<Fees>;
  gasFor(transfer: TransactionShape): Promise<bigint>;
  /** Whole balance in the chain's integers, of a contract or (null) of the coin. */
  balance(address: string, contract: string | null): Promise<bigint>;
  /** `known`: the node, or a block, has it already. `rejected`: it was not taken. */
  broadcast(raw: string): Promise<{ readonly kind: 'sent' | 'known' } | { kind: 'rejected'; reason: string }>;
}

export type TransactionShape = {
  readonly from: string;
  readonly to: string;
  readonly data: Hex;
  readonly value: bigint;
};

const timeoutMs = 10_000;
const [transferTopic] = encodeEventTopics({ abi: erc20Abi, eventName: 'Transfer' });

/** A node that is away is `dependency-unavailable`: the caller asks again. */
export function openChain(account: ChainAccount): ChainClient {
  const node = createPublicClient({
    transport: http(account.rpcUrl, { timeout: timeoutMs, retryCount: 0 }),
    cacheTime: 0,
  });
  const contracts = account.tokens.map(({ contract }) => getAddress(contract));
  const ask = async <T>(question: () => Promise<T>): Promise<T> => {
    try {
      return await question();
    } catch (error) {
      throw unavailable(error);
    }
  };

  return {
    check: async (placesOf) => {
      const chainId = await ask(() => node.getChainId());
      if (chainId !== account.chainId)
        throw new Error(`The node is of the chain ${chainId}, not of ${account.chainId}.`);
      for (const { asset, contract } of account.tokens) {
        const places = await ask(() =>
          node.readContract({ abi: erc20Abi, address: getAddress(contract), functionName: 'decimals' }),
        );
        if (places !== placesOf(asset))
          throw new Error(`${contract} counts in ${places} places, ${asset} is paid in ${placesOf(asset)}.`);
      }
    },
    head: () => ask(async () => blockOf(await node.getBlock({ blockTag: 'latest' }))),
    block: async (height) => {
      try {
        return blockOf(await node.getBlock({ blockNumber: height }));
      } catch (error) {
        if (error instanceof BlockNotFoundError) return null;
        throw unavailable(error);
      }
    },
    transfers: (block) =>
      ask(async () => {
        // By its hash, not its height: the answer is about this block or there is none.
        const whole = await node.getBlock({ blockHash: block.hash, includeTransactions: true });
        const logs =
          contracts.length === 0
            ? []
            : await node.request({
                method: 'eth_getLogs',
                params: [{ address: contracts, topics: [transferTopic ?? null], blockHash: block.hash }],
              });
        const tokens = parseEventLogs({ abi: erc20Abi, eventName: 'Transfer', logs: logs.map(toLog) });
        const coins = whole.transactions.flatMap(({ hash, from, to, value }) =>
          to !== null && value > 0n
            ? [
                {
                  txHash: hash,
                  logIndex: -1,
                  from: getAddress(from),
                  to: getAddress(to),
                  contract: null,
                  raw: value,
                },
              ]
            : [],
        );
        return [
          ...tokens
            .filter(({ args }) => args.value > 0n)
            .map(({ transactionHash, logIndex, address, args }) => ({
              txHash: transactionHash,
              logIndex,
              from: args.from,
              to: args.to,
              contract: getAddress(address),
              raw: args.value,
            })),
          ...coins,
        ];
      }),
    receipt: async (txHash) => {
      try {
        const found = await node.getTransactionReceipt({ hash: txHash as Hash });
        return {
          blockHeight: found.blockNumber,
          blockHash: found.blockHash,
          succeeded: found.status === 'success',
          feePaid: found.gasUsed * found.effectiveGasPrice,
        };
      } catch (error) {
        if (error instanceof TransactionReceiptNotFoundError) return null;
        throw unavailable(error);
      }
    },
    nonce: (address) =>
      ask(() => node.getTransactionCount({ address: getAddress(address), blockTag: 'latest' })),
    fees: () =>
      ask(async () => {
        const { maxFeePerGas, maxPriorityFeePerGas } = await node.estimateFeesPerGas();
        return { maxFeePerGas, maxPriorityFeePerGas };
      }),
    gasFor: ({ from, to, data, value }) =>
      ask(() =>
        node.estimateGas({ account: getAddress(from), to: getAddress(to), data, value, blockTag: 'latest' }),
      ),
    balance: (address, contract) =>
      ask(() =>
        contract === null
          ? node.getBalance({ address: getAddress(address) })
          : node.readContract({
              abi: erc20Abi,
              address: getAddress(contract),
              functionName: 'balanceOf',
              args: [getAddress(address)],
            }),
      ),
    broadcast: async (raw) => {
      try {
        await node.sendRawTransaction({ serializedTransaction: raw as Hex });
        return { kind: 'sent' };
      } catch (error) {
        const said = answerOf(error);
        if (/already (known|imported)/i.test(said)) return { kind: 'known' };
        // Its nonce is spent: by these bytes or by another fee of the same nonce, as the receipts will tell.
        if (/nonce too low/i.test(said)) return { kind: 'known' };
        if (/insufficient funds|underpriced|fee too low|gas/i.test(said))
          return { kind: 'rejected', reason: said };
        throw unavailable(error);
      }
    },
  };
}

const blockOf = (block: { number: bigint; hash: Hash; parentHash: Hash }): BlockSeen => ({
  height: block.number,
  hash: block.hash,
  parentHash: block.parentHash,
});

type RpcLog = Parameters<typeof parseEventLogs>[0]['logs'][number];

/** What the node says in hexadecimal, as viem's own parser wants it. */
function toLog(log: { [name: string]: unknown }): RpcLog {
  const { blockNumber, logIndex, transactionIndex } = log as Record<string, Hex>;
  return {
    ...log,
    blockNumber: BigInt(blockNumber ?? 0),
    logIndex: Number(logIndex),
    transactionIndex: Number(transactionIndex),
  } as unknown as RpcLog;
}

/** The node's own words alone: the message around them tells its address, which may carry a key, and the whole request. */
const answerOf = (error: unknown): string =>
  error instanceof Error && 'details' in error && typeof error.details === 'string'
    ? (error.details.split('\n')[0]?.slice(0, 300) ?? '')
    : '';

const unavailable = (error: unknown): FailureError => {
  const said = answerOf(error).slice(0, 200) || 'no answer';
  return new FailureError(
    fail('dependency-unavailable', `The node of the chain did not answer: ${said}`).failure,
  );
};
