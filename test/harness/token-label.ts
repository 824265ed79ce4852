/** Of the tests' tokens. */
export const tokenLabel = 'rekey';
