/** Of this program, as its processes say it; a test holds it against the package's. */
export const version = '0.1.0';
