/** The fourteen modules, in the order in which every layer, document and report lists them. */
export const moduleNames = [
  'pam',
  'wallet',
  'kyc',
  'payments',
  'bonus',
  'games',
  'affiliates',
  'crm',
  'responsible-gambling',
  'risk',
  'cms',
  'compliance',
  'bi',
  'backoffice',
] as const;

export type ModuleName = (typeof moduleNames)[number];
