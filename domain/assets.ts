/** Assets that a wallet can hold, with the precision of the ledger and of what can be paid out. */
export type Asset = {
  readonly code: string;
  readonly kind: 'fiat' | 'crypto';
  /** Chain of a crypto asset, null for fiat. */
  readonly network: string | null;
  /** Decimal places that the ledger keeps: 12 because game dialects send up to 12, 18 for wei. */
  readonly ledgerScale: number;
  /** Decimal places of the smallest amount that a bank, PSP or chain can move (ISO 4217 for fiat). */
  readonly payableScale: number;
};

const fiat = (code: string, payableScale: number): Asset => ({
  code,
  kind: 'fiat',
  network: null,
  ledgerScale: 12,
  payableScale,
});

const crypto = (code: string, network: string, ledgerScale: number, payableScale: number): Asset => ({
  code,
  kind: 'crypto',
  network,
  ledgerScale,
  payableScale,
});

const table: readonly Asset[] = [
  fiat('EUR', 2),
  fiat('USD', 2),
  fiat('GBP', 2),
  fiat('CHF', 2),
  fiat('SEK', 2),
  fiat('NOK', 2),
  fiat('DKK', 2),
  fiat('PLN', 2),
  fiat('CZK', 2),
  fiat('HUF', 2),
  fiat('RON', 2),
  fiat('CAD', 2),
  fiat('AUD', 2),
  fiat('NZD', 2),
  fiat('MXN', 2),
  fiat('ZAR', 2),
  fiat('BRL', 2),
  fiat('INR', 2),
  fiat('JPY', 0),
  fiat('KRW', 0),
  fiat('CLP', 0),
  fiat('VND', 0),
  fiat('KWD', 3),
  fiat('BHD', 3),
  crypto('BTC', 'bitcoin', 12, 8),
  crypto('LTC', 'litecoin', 12, 8),
  crypto('DOGE', 'dogecoin', 12, 8),
  crypto('SOL', 'solana', 12, 9),
  crypto('TRX', 'tron', 12, 6),
  crypto('XRP', 'xrpl', 12, 6),
  // Counted in wei.
  crypto('ETH', 'ethereum', 18, 18),
  crypto('BNB', 'bsc', 18, 18),
  crypto('POL', 'polygon', 18, 18),
  crypto('USDT', 'ethereum', 12, 6),
  crypto('USDC', 'ethereum', 12, 6),
];

export const assets: ReadonlyMap<string, Asset> = new Map(table.map((asset) => [asset.code, asset]));
