/** Version of the toolkit: part of every product's identity. A test keeps it equal to package.json. */
export const VERSION = '0.1.0'
