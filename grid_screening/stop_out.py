"""How often a short grid opened under such conditions was stopped out.

A logistic regression on five features, declared before the study was run
(``evidence-protocol.md``); the shipped coefficients come from the study
(`grid_screening.stop_out_file`), never from here. It says how wide the grid is against
the contract's present range and how the contract moved lately; it says nothing about
profit.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from monitor.domain.typing import FloatArray

FEATURES = (
    "log_width",
    "return_7d",
    "log_volume_surge",
    "distance_to_30d_high",
    "log_natr",
)
"""Columns of every feature matrix, in this order."""

HORIZONS_DAYS = (3, 7, 14)
"""Horizons that are shipped and shown."""

SMALLEST_CLUSTERS = 4
"""Weeks below which no interval is stated."""


def stop_out_features(
    *,
    width: FloatArray,
    return_7d: FloatArray,
    volume_surge: FloatArray,
    distance_to_30d_high: FloatArray,
    natr: FloatArray,
) -> FloatArray:
    """Return the features of ``n`` grids.

    Parameters
    ----------
    width : ndarray of shape (n,)
        ``(upper bound − price) ÷ (ATR_hourly · √24)``, a plan's
        ``range_to_volatility``; dimensionless, > 0.
    return_7d : ndarray of shape (n,)
        Log return over 7 days.
    volume_surge : ndarray of shape (n,)
        Volume of 24 h ÷ its 30-day mean; > 0.
    distance_to_30d_high : ndarray of shape (n,)
        Close ÷ highest high of 30 days − 1; in (−1, 0].
    natr : ndarray of shape (n,)
        ATR(14) of 4 h bars in percent of close; > 0.

    Returns
    -------
    ndarray of shape (n, 5)
        Columns as `FEATURES`. NaN where an input is missing or a logarithm's
        argument is not > 0.
    """
    columns = np.stack(
        [
            _log(width),
            return_7d,
            _log(volume_surge),
            distance_to_30d_high,
            _log(natr),
        ],
        axis=-1,
    ).astype(np.float64)
    return np.where(np.isfinite(columns), columns, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StopOutModel:
    """Probability that a grid is stopped out within ``horizon_days``.

    ``logit p = intercept + Σ coefficient_i · (feature_i − center_i) / scale_i``.
    Arrays are made read-only.

    Raises
    ------
    ValueError
        A shape is wrong, a number is not finite, a scale is not > 0, or the
        covariance is no covariance.
    """

    horizon_days: int
    center: FloatArray
    """Shape ``(5,)``, like ``scale`` and ``coefficients``: means of the sample."""
    scale: FloatArray
    """Standard deviations of the sample (ddof 0), > 0."""
    coefficients: FloatArray
    """Log odds per standard deviation."""
    intercept: float
    covariance: FloatArray
    """Of intercept and coefficients, shape ``(6, 6)``, robust to dependence within
    a week."""
    cluster_count: int
    """Weeks in the sample; its reciprocal is how little the intervals rest on."""
    period: tuple[str, str]
    """First and last origin of the sample, ISO dates."""
    data_hash: str
    """Fingerprint of the history, as the study prints it."""
    sample_count: int
    """Grids in the sample."""
    base_rate: float
    """Share of them that was stopped out."""

    def __post_init__(self) -> None:
        count = len(FEATURES)
        for name in ("center", "scale", "coefficients"):
            _check_array(name, getattr(self, name), (count,))
        _check_array("covariance", self.covariance, (count + 1, count + 1))
        if not np.all(self.scale > 0):
            raise ValueError(f"scale must be > 0, was {self.scale.tolist()}")
        if not np.isfinite(self.intercept):
            raise ValueError(f"intercept must be finite, was {self.intercept}")
        _check_covariance(self.covariance)
        if self.horizon_days < 1:
            raise ValueError(
                f"horizon_days must be at least 1, was {self.horizon_days}"
            )
        if self.cluster_count < SMALLEST_CLUSTERS:
            raise ValueError(
                f"cluster_count must be at least {SMALLEST_CLUSTERS}, "
                f"was {self.cluster_count}"
            )
        if self.sample_count < self.cluster_count:
            raise ValueError(
                f"sample_count must be at least cluster_count ({self.cluster_count}), "
                f"was {self.sample_count}"
            )
        if not 0 < self.base_rate < 1:
            raise ValueError(f"base_rate must be in (0, 1), was {self.base_rate}")
        for name in ("center", "scale", "coefficients", "covariance"):
            getattr(self, name).flags.writeable = False

    def probability(self, features: FloatArray) -> FloatArray:
        """Return the stop-out probabilities.

        Parameters
        ----------
        features : ndarray of shape (n, 5)
            `stop_out_features`.

        Returns
        -------
        ndarray of shape (n,)
            In (0, 1); NaN where a feature is NaN.
        """
        return logistic(self._design(features) @ self._all_coefficients())

    def interval(
        self, features: FloatArray, level: float = 0.95
    ) -> tuple[FloatArray, FloatArray]:
        """Return the confidence intervals of `probability`.

        Parameters
        ----------
        features : ndarray of shape (n, 5)
            `stop_out_features`.
        level : float
            In (0, 1).

        Returns
        -------
        low, high : ndarray of shape (n,)
            Around `probability`, in (0, 1); NaN where a feature is NaN. Of the
            probability, not of the outcome: what a larger sample of the same kind
            would leave open is in it, a change of the market's ways is not.

        Raises
        ------
        ValueError
            ``level`` is not in (0, 1).

        Notes
        -----
        Delta method on the log odds, with Student's t of ``cluster_count − 1``
        degrees of freedom: few weeks make wide intervals.
        """
        if not 0 < level < 1:
            raise ValueError(f"level must be in (0, 1), was {level}")
        design = self._design(features)
        odds = design @ self._all_coefficients()
        variance = np.vecdot(design @ self.covariance, design)
        # rounding may leave a tiny negative variance
        room = student_quantile(0.5 + level / 2, self.cluster_count - 1) * np.sqrt(
            np.maximum(variance, 0.0)
        )
        return logistic(odds - room), logistic(odds + room)

    def _all_coefficients(self) -> FloatArray:
        return np.concatenate([[self.intercept], self.coefficients])

    def _design(self, features: FloatArray) -> FloatArray:
        if features.ndim != 2 or features.shape[1] != len(FEATURES):  # noqa: PLR2004
            raise ValueError(
                f"features must have shape (n, {len(FEATURES)}), was {features.shape}"
            )
        standard = (features - self.center) / self.scale
        return np.concatenate([np.ones((len(features), 1)), standard], axis=1)


def logistic(log_odds: FloatArray) -> FloatArray:
    """Return ``1 / (1 + e^−x)`` without overflow; NaN stays NaN."""
    small = np.exp(-np.abs(log_odds))
    share: FloatArray = np.where(log_odds >= 0, 1.0, small) / (1.0 + small)
    return share


def student_quantile(probability: float, degrees: int) -> float:
    """Return a quantile of Student's t.

    Parameters
    ----------
    probability : float
        In (0, 1).
    degrees : int
        Degrees of freedom, at least 3.

    Returns
    -------
    float
        By an expansion around the normal quantile: at 0.975 within 0.8 % with 3
        degrees of freedom, 0.03 % from 8 on. (`scipy.stats` takes longer to import
        than a scan computes.)

    References
    ----------
    .. [1] Abramowitz, M. and Stegun, I. A. (1964) Handbook of Mathematical
       Functions, 26.7.5.
    """
    z = NormalDist().inv_cdf(probability)
    first = z * (z**2 + 1) / 4
    second = z * (5 * z**4 + 16 * z**2 + 3) / 96
    third = z * (3 * z**6 + 19 * z**4 + 17 * z**2 - 15) / 384
    return z + (first + (second + third / degrees) / degrees) / degrees


def _log(values: FloatArray) -> FloatArray:
    out = np.full(np.shape(values), np.nan)
    np.log(values, out=out, where=np.asarray(values) > 0)
    return out


def _check_array(name: str, values: FloatArray, shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, was {values.shape}")
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{name} must be finite, was {values.tolist()}")


def _check_covariance(covariance: FloatArray) -> None:
    size = float(np.abs(covariance).max())
    tolerance = 1e-9 * max(size, 1e-300)
    if np.abs(covariance - covariance.T).max() > tolerance:
        raise ValueError("covariance must be symmetric")
    if np.linalg.eigvalsh(covariance).min() < -tolerance:
        raise ValueError("covariance must have no negative eigenvalue")
