export type { SkyStars } from './star.js'
