/** The speed of light, m/s: exact, for it defines the metre. */
export const LIGHT_SPEED = 299792458

/** The same in km/s. */
export const LIGHT_SPEED_KM = 299792.458
