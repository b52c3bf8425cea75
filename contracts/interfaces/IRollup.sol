// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {EpochFees, EpochRecord} from "../types/EpochRecord.sol";
import {EpochId} from "../types/EpochId.sol";

/// @notice What a proposer supplies for one epoch.
struct CommitInput {
    /// Record of the last committed epoch.
    EpochRecord parent;
    /// Verifier that the epoch is built for; it fixes the number of lanes N.
    address verifier;
    /// Who is credited the fees once the epoch is proven.
    address feeRecipient;
    /// Hash of everything the circuit reads (docs/spec/05-epoch.md).
    uint256 c;
    /// L1 field words, L1 byte words, data field words, data byte words, without separators; the L1 words only in blob mode.
    bytes words;
    /// In blob mode y_data (32 bytes), KZG commitment (48), KZG proof (48) of the transaction's only blob. Else empty.
    bytes blob;
    /// Tail of each queue item that the epoch takes, in order.
    bytes32[] queueTails;
    /// 256 bytes for each lane of kind 1 or 5, in lane order.
    bytes clientProofs;
    /// Record of epoch `oldest + 1`. Empty when `oldest` is the last committed epoch; may be empty when it is the one before, whose
    /// successor is `parent`.
    EpochRecord[] oldestSuccessor;
}

/// @notice Lengths of time, in L1 blocks (docs/spec/06-l1.md).
struct RollupParameters {
    /// Life of an anchor once it has a successor (A).
    uint64 anchorLife;
    /// How far an epoch's `now` may lie behind the block of its commit (W).
    uint64 clockWindow;
    /// Deadline minus commit block.
    uint64 provingWindow;
    /// Age at which a queue item is overdue.
    uint64 forcedDeadline;
    /// Age of an unprocessed item or pending epoch after which the rollup may be left by exits only. Bounds all pauses.
    uint64 freezeTime;
}

/// @title Sotto rollup: the chain of committed and proven epochs
interface IRollup {
    event EpochCommitted(EpochId indexed id, bytes32 indexed recordHash, EpochRecord record);
    event EpochProven(EpochId indexed id, bytes32 indexed recordHash, address indexed beneficiary);

    /// @notice Epochs `first` to `last` were not proven in time and are gone; their queue items wait again.
    event EpochsPruned(EpochId indexed first, EpochId indexed last);

    /// @notice The rollup ended in the state of this epoch, the last proven one. Pending epochs are void, notes leave by exits.
    event Frozen(EpochId indexed id, bytes32 indexed recordHash);
    event EpochsPaused(uint64 untilBlock);
    event EpochsResumed();

    /// @notice From that block on the verifier is open to new epochs, or is not.
    event VerifierScheduled(address indexed verifier, bool open, uint64 fromBlock);

    /// @notice A commit without a proof could hold up all others until its deadline, so it is open to nobody without a policy.
    error CommitNeedsPolicy();
    /// @notice The first item waits for so long that only an epoch with its proof may still come.
    error CommitNeedsProof(uint256 queuedAt);
    /// @notice Epochs come in calls from plain accounts, so that their words are the calldata of a transaction.
    error DataNotInTransaction(address sender);
    /// @notice With its proof an epoch pays its fees to the address that the proof names; else a copy of the call could take them.
    error FeesNotForBeneficiary(address feeRecipient, address beneficiary);
    /// @notice Before its deadline an epoch cannot be pruned.
    error DeadlineAhead(uint64 deadline);
    /// @notice The verifier is not one of the fixed set.
    error UnknownVerifier(address verifier);
    /// @notice The verifier is closed to new epochs.
    error VerifierClosed(address verifier);
    /// @notice `words` has not the length that N lanes need, in bytes.
    error WrongWordsLength(uint256 expected, uint256 actual);
    /// @notice The verifier's epochs have their data words in a blob, and the transaction carries none.
    error BlobMissing();
    /// @notice The transaction carries a second blob, which nobody would read.
    error TooManyBlobs();
    /// @notice The transaction carries a blob, but the verifier's epochs have all words in calldata.
    error BlobUnexpected();
    /// @notice `blob` has not the length that the verifier's data mode needs, in bytes.
    error WrongBlobInputLength(uint256 expected, uint256 actual);
    /// @notice The precompile does not find that the transaction's blob has the value y_data at z.
    error PointEvaluationFailed();
    /// @notice Not one tail for each queue lane.
    error WrongQueueTailCount(uint256 expected, uint256 actual);
    /// @notice Not one proof for each lane of kind 1 or 5, in bytes.
    error WrongClientProofsLength(uint256 expected, uint256 actual);
    /// @notice Not one record was supplied for epoch `oldest + 1`, or one though there is none.
    error WrongOldestSuccessorCount(uint256 actual);
    /// @notice The supplied record is not the last committed one.
    error ParentNotHead(bytes32 expected, bytes32 actual);
    error WrongEpochId(uint256 expected, uint256 actual);
    error StaleState(uint256 expected, uint256 actual);
    error WrongDomain(uint256 expected, uint256 actual);
    error WrongQueueStart(uint256 expected, uint256 actual);
    error ReservedWordUsed(uint256 word);
    /// @notice c or a field word is not below the field's modulus.
    error NonCanonicalField();
    error ClockInFuture(uint256 clock, uint256 blockNumber);
    error ClockTooOld(uint256 clock, uint256 earliest);
    error ClockDecreased(uint256 clock, uint256 parentClock);
    /// @notice `oldest` is after the last committed epoch.
    error OldestUnknown(uint256 oldest, uint256 head);
    /// @notice The record supplied is not that of epoch `oldest + 1`.
    error OldestSuccessorMismatch(bytes32 expected, bytes32 actual);
    /// @notice The anchor of epoch `oldest` has died.
    error OldestExpired(uint256 oldest, uint256 successorCommitBlock);
    error LaneKindRefused(uint256 lane, uint256 kind);
    /// @notice The lane is not what the queue holds next.
    error QueueItemMismatch(uint256 lane, uint256 index);
    /// @notice Queue end is not queue start + number of queue lanes.
    error WrongQueueEnd(uint256 queueStart, uint256 queueEnd);
    /// @notice Overdue items are left though the epoch takes fewer than N/2 items.
    error OverdueItemsLeft(uint256 taken, uint256 queuedAt);
    /// @notice A fee slot without asset has a total.
    error FeeWithoutAsset(uint256 slot);
    error FeeAssetUnlisted(uint256 asset);
    error FeeAssetRepeated(uint256 asset);
    error ProposerRefused(address proposer);
    error ProverRefused(address prover);
    /// @notice Too little gas is left to give a policy its share.
    error GasTooLowForPolicy();
    /// @notice The record is not that of the epoch to be proven next.
    error NotNextToProve(EpochId id, bytes32 recordHash);
    /// @notice The fees are not those in the record.
    error FeesMismatch(bytes32 expected, bytes32 actual);
    /// @notice Epochs before this one are pending, so it cannot be proven with its commit.
    error EpochsPending(EpochId head, EpochId proven);
    error RollupFrozen();
    /// @notice Neither the item at `cursor` nor the pending epoch given is as old as the freeze time.
    error NothingToFreezeFor();
    /// @notice More than one pending epoch was given to `freeze`.
    error WrongPendingCount(uint256 actual);
    error OnlyOwner(address sender);
    error EpochsArePaused(uint64 untilBlock);
    error EpochsNotPaused();
    /// @notice In block `atBlock` no verifier of epochs in calldata would be open.
    error NoVerifierLeft(uint256 atBlock);
    /// @notice Constructor: no verifier, a repeated one, one of more lanes than a claim can name or not of a multiple of 4, one of
    /// an unknown data mode, or the queue's is not among those of epochs in calldata.
    error BadVerifierSet();
    /// @notice Constructor: bridge, queue and exit do not name this contract and each other.
    error WiringMismatch();
    /// @notice Constructor: genesis state or anchor is 0 or not below the field's modulus.
    error BadGenesis();
    /// @notice Constructor: a length of time is 0, or does not fit into 32 bits.
    error BadParameters();

    /// @notice Commits the next epoch: publishes its words and client proofs, to be proven by anyone. Needs a proposer policy, and a
    /// queue whose first item is younger than forced deadline + proving window.
    /// @return recordHash Hash of its record.
    function commit(CommitInput calldata input) external returns (bytes32 recordHash);

    /// @notice Proves the oldest pending epoch and credits its fees.
    /// @param record The epoch's record.
    /// @param fees Preimage of the record's feesHash; ignored when that is 0.
    /// @param beneficiary Address bound into the proof.
    /// @param proof 256 bytes.
    function prove(EpochRecord calldata record, EpochFees calldata fees, address beneficiary, bytes calldata proof)
        external;

    /// @notice Commits and proves an epoch at once, when none is pending. Neither policies nor a pause stop an epoch without
    /// transfers that takes an overdue item.
    /// @return recordHash Hash of its record.
    function commitAndProve(CommitInput calldata input, address beneficiary, bytes calldata proof)
        external
        returns (bytes32 recordHash);

    /// @notice Removes all pending epochs when the oldest of them was not proven by its deadline. Anyone may call.
    /// @param record Record of the oldest pending epoch.
    function prune(EpochRecord calldata record) external;

    /// @notice Ends the rollup for good, when the item at `cursor` or a pending epoch is as old as the freeze time. Anyone may call.
    /// @param pending Record of the oldest pending epoch if that is the reason, else empty.
    function freeze(EpochRecord[] calldata pending) external;

    /// @notice Refuses new epochs for `blocks` L1 blocks, but for those that must take overdue items. Only the owner of the bridge;
    /// at most a quarter of the freeze time, and once in a freeze time.
    function pauseEpochs(uint64 blocks) external;

    /// @notice Ends a pause early. Only the owner of the bridge.
    function resumeEpochs() external;

    /// @notice Opens or closes a member of the fixed set to new epochs, `switchDelay` blocks from now; a switch of the same member
    /// that is still to come is forgotten. At no time may none be open. Only the owner of the bridge.
    function scheduleVerifier(address member, bool open) external;

    /// @notice Binds transactions and proofs to this rollup on this chain.
    function domain() external view returns (uint256);

    /// @notice Last committed and last proven epoch. Those between are pending.
    function status() external view returns (EpochId head, EpochId proven);

    /// @notice Index of the first queue item that no proven epoch has taken.
    function cursor() external view returns (uint64);

    /// @notice First and last block of the last pause of epochs, 0 when there was none.
    function lastPause() external view returns (uint64 fromBlock, uint64 untilBlock);

    function isFrozen() external view returns (bool);

    /// @notice Hash of the record of an epoch up to the last committed one. Behind it there may be what was pruned.
    function epochs(EpochId id) external view returns (bytes32 recordHash);

    /// @notice Whether the epoch is proven and has this record.
    function isProven(EpochId id, bytes32 recordHash) external view returns (bool);

    /// @notice Whether the rollup is frozen in the state of this record.
    function isFinal(EpochId id, bytes32 recordHash) external view returns (bool);

    function bridge() external view returns (address);
    function queue() external view returns (address);
    function proposerPolicy() external view returns (address);
    function proverPolicy() external view returns (address);
    function parameters() external view returns (RollupParameters memory);

    /// @notice The fixed set.
    function verifiers() external view returns (address[] memory);

    /// @notice Number of lanes of a member of the set, 0 for others.
    function laneCount(address verifier) external view returns (uint256);

    /// @notice Data mode of a member of the set, 0 for others.
    function dataMode(address verifier) external view returns (uint8);

    /// @return open Whether new epochs may be built for the member now.
    /// @return scheduled Whether they may from `fromBlock` on.
    /// @return fromBlock First block of the last switch that was scheduled, 0 when there was none.
    function verifierStatus(address member) external view returns (bool open, bool scheduled, uint64 fromBlock);

    /// @notice Blocks between the scheduling of a switch and its effect: long enough to leave before.
    function switchDelay() external view returns (uint64);
}
