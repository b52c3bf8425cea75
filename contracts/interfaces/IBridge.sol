// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {EpochFees, EpochSummary} from "../types/EpochRecord.sol";
import {AssetId} from "../types/AssetId.sol";
import {EpochId} from "../types/EpochId.sol";

/// @notice One withdrawal of a proven epoch.
struct ClaimRequest {
    EpochSummary epoch;
    uint256 lane;
    AssetId asset;
    uint256 value;
    uint256 recipient;
    bytes32[] proof;
}

/// @notice EIP-2612 signature for an allowance of exactly the deposit's value.
struct PermitSignature {
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @title Vault of all funds inside the rollup
/// @notice Per asset, the vault holds at least its liabilities: deposits and queue fees less what was paid as claims, fees, exits
/// and pulled back items.
interface IBridge {
    event AssetListed(AssetId indexed asset, address indexed token, uint128 cap);
    event CapSet(AssetId indexed asset, uint128 cap);
    event DepositsPaused(uint64 untilBlock);
    event DepositsResumed();
    event Claimed(EpochId indexed epoch, uint256 indexed lane, address indexed recipient, AssetId asset, uint256 value);
    event FeesWithdrawn(address indexed account, AssetId indexed asset, address recipient, uint256 value);

    /// @notice The sender of a queue item that no epoch took has its value back, or its fee.
    event PulledBack(uint256 indexed index, address indexed sender, AssetId asset, uint256 value);

    error OnlyRollup(address sender);
    error OnlyQueue(address sender);
    error OnlyExit(address sender);
    /// @notice Items are pulled back, and notes exit, only once the rollup is frozen.
    error RollupNotFrozen();
    /// @notice A proven epoch has taken the item.
    error ItemProcessed(uint256 index, uint256 cursor);
    error AlreadyPulledBack(uint256 index);
    /// @notice The queue holds another item in this place.
    error NotTheItem(uint256 index);
    error AssetUnlisted(AssetId asset);
    /// @notice An id names one token for ever, and a token has one id.
    error AssetTaken(AssetId asset, address token);
    /// @notice Id 0 is no asset, 1 is ETH.
    error AssetReserved(AssetId asset);
    error NotAToken(address token);
    error CapExceeded(AssetId asset, uint256 liabilities, uint256 cap);
    error DepositsArePaused(uint64 untilBlock);
    error PauseTooLong(uint64 requested, uint64 longest);
    /// @notice A pause began less than a freeze time ago.
    error PauseTooSoon(uint64 earliestBlock);
    error DepositsNotPaused();
    error ZeroValue();
    error ValueTooLarge(uint256 value);
    /// @notice The note's partial is not below the field's modulus.
    error NonCanonicalField();
    error WrongCiphertextLength(uint256 expected, uint256 actual);
    /// @notice The vault received or paid another amount than was asked: the token takes fees.
    error TransferMismatch(uint256 expected, uint256 actual);
    /// @notice The vault holds less than it owes, so a new deposit would pay for the hole.
    error VaultBelowLiabilities(AssetId asset, uint256 balance, uint256 liabilities);
    error EpochNotProven(EpochId epoch);
    error NotAWithdrawal(EpochId epoch, uint256 lane);
    error AlreadyClaimed(EpochId epoch, uint256 lane);
    /// @notice The recorded recipient is no address.
    error BadRecipient(uint256 recipient);
    error PaymentFailed(address recipient, uint256 value);
    /// @notice Constructor: queue and exit do not name this contract.
    error WiringMismatch();

    /// @notice Queues `msg.value` wei as a note.
    /// @param notePartial The note without asset, value and rho; below the field's modulus.
    /// @param ciphertext 93 bytes for the receiver.
    /// @return index Place in the queue.
    function depositETH(uint256 notePartial, bytes calldata ciphertext) external payable returns (uint256 index);

    /// @notice Takes `value` units of a listed token from the sender and queues them as a note.
    function deposit(AssetId asset, uint256 value, uint256 notePartial, bytes calldata ciphertext)
        external
        returns (uint256 index);

    /// @notice Like `deposit`, with the allowance by signature. A permit that was used before by someone else does no harm.
    function depositWithPermit(
        AssetId asset,
        uint256 value,
        uint256 notePartial,
        bytes calldata ciphertext,
        PermitSignature calldata signature
    ) external returns (uint256 index);

    /// @notice Pays a withdrawal of a proven epoch to its recorded recipient. Anyone may call. A payment that fails reverts, and
    /// the claim stays open.
    /// @param summary Of the epoch's record.
    function claim(
        EpochSummary calldata summary,
        uint256 lane,
        AssetId asset,
        uint256 value,
        uint256 recipient,
        bytes32[] calldata proof
    ) external;

    /// @notice Pays many; one that fails stays open and blocks no other. Each gets an equal share of the gas.
    /// @return paid Which were paid.
    function claimMany(ClaimRequest[] calldata requests) external returns (bool[] memory paid);

    /// @notice Credits the fees of a proven epoch. Only the rollup.
    function creditFees(address account, EpochFees calldata fees) external;

    /// @notice Pays the sender's fees of one asset.
    /// @return value Units paid.
    function withdrawFees(AssetId asset, address recipient) external returns (uint256 value);

    /// @notice Takes the fee of a forced transaction, in wei, to be credited with the fees of the epoch that takes it. Only the queue.
    function holdQueueFee() external payable;

    /// @notice Pays a note that leaves the frozen rollup: value - fee to the recipient, fee to the executor. Only the exit contract.
    function payExit(AssetId asset, address recipient, uint256 value, address executor, uint256 fee) external;

    /// @notice Once the rollup is frozen, pays a queue item that no proven epoch took back to its sender: a deposit its value, a
    /// forced transaction the fee it brought. Anyone may call. A payment that fails reverts, and the item stays open.
    /// @param itemKind 2 (deposit) or 3 (forced).
    /// @param dataHash keccak256 of the ciphertext of a deposit, or of the forced transaction.
    function pullBack(
        uint256 index,
        uint256 itemKind,
        uint256 link,
        AssetId asset,
        uint256 value,
        uint256 recipient,
        address sender,
        bytes32 dataHash
    ) external;

    /// @notice Gives a token an id, for ever. Only the owner; like all that follows, not once the rollup is frozen.
    /// @param cap Largest sum of liabilities that a deposit may reach.
    function listAsset(AssetId asset, address token, uint128 cap) external;

    /// @notice Only the owner. A cap below the liabilities stops deposits and nothing else.
    function setCap(AssetId asset, uint128 cap) external;

    /// @notice Pauses deposits for `blocks` L1 blocks. Only the owner; at most a quarter of the freeze time, and once in a
    /// freeze time, so that no window of that length holds more.
    function pauseDeposits(uint64 blocks) external;

    /// @notice Ends a pause early. Only the owner.
    function resumeDeposits() external;

    function rollup() external view returns (address);
    function queue() external view returns (address);
    function exit() external view returns (address);
    function isListed(AssetId asset) external view returns (bool);

    /// @return liabilities Units that the vault owes.
    /// @return cap Largest sum of liabilities that a deposit may reach.
    /// @return token Contract of the asset, 0 for ETH.
    function assets(AssetId asset) external view returns (uint128 liabilities, uint128 cap, address token);

    /// @notice Id of a token, 0 when not listed.
    function assetOf(address token) external view returns (AssetId);
    function isClaimed(EpochId epoch, uint256 lane) external view returns (bool);
    function isPulledBack(uint256 index) external view returns (bool);
    function feesOwed(address account, AssetId asset) external view returns (uint256);

    /// @notice First and last block of the last pause, 0 when there was none.
    function lastPause() external view returns (uint64 fromBlock, uint64 untilBlock);
}
