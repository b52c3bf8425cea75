// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {BLOB_MODE, IEpochVerifier} from "../interfaces/IEpochVerifier.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {Pauses} from "../libraries/Pauses.sol";
import {Withdrawals} from "../libraries/Withdrawals.sol";
import {EpochRecord} from "../types/EpochRecord.sol";
import {RollupBase, RollupConfig} from "./RollupBase.sol";

/// @title Who may stop what: the freeze for all, and the owner's brakes that end where funds are concerned
/// @dev docs/spec/06-l1.md, freeze and brakes.
abstract contract RollupBrakes is RollupBase {
    /// @dev A member of the fixed set, in one slot.
    struct Member {
        uint64 lanes;
        uint8 dataMode;
        /// Before `fromBlock`.
        bool open;
        /// From `fromBlock` on.
        bool scheduled;
        uint64 fromBlock;
    }

    /// @dev A week in blocks, to leave before a switch after all else was tried.
    uint64 private constant LEAVE_TIME = 50_400;
    uint256 private constant LANES_PER_OPERATION = 4;

    mapping(address verifier => Member) private _members;
    address[] private _verifiers;

    modifier onlyOwner() {
        if (msg.sender != Ownable(address(_bridge)).owner()) revert OnlyOwner(msg.sender);
        _;
    }

    // slither-disable-next-line incorrect-equality
    constructor(RollupConfig memory config) RollupBase(config) {
        address[] memory members = config.verifiers;
        for (uint256 i = 0; i < members.length; i++) {
            // Once, by the deployer.
            // slither-disable-next-line calls-loop
            uint256 lanes = IEpochVerifier(members[i]).laneCount();
            // slither-disable-next-line calls-loop
            uint8 mode = IEpochVerifier(members[i]).dataMode();
            if (
                lanes == 0 || lanes > Withdrawals.MAX_LANES || lanes % LANES_PER_OPERATION != 0 || mode > BLOB_MODE
                    || _members[members[i]].lanes != 0
            ) revert BadVerifierSet();
            _members[members[i]] =
                Member({lanes: uint64(lanes), dataMode: mode, open: true, scheduled: true, fromBlock: 0});
        }
        Member memory ofQueue = _members[config.queue.verifier()];
        if (ofQueue.lanes == 0 || ofQueue.dataMode == BLOB_MODE) revert BadVerifierSet();
        _verifiers = members;
    }

    /// @inheritdoc IRollup
    function freeze(EpochRecord[] calldata pending) external {
        Status memory current = _running();
        uint256 since = type(uint64).max;
        if (pending.length > 1) revert WrongPendingCount(pending.length);
        if (pending.length == 1) {
            _requireNextToProve(current, pending[0]);
            since = pending[0].commitBlock;
        } else if (current.cursor < _queue.length()) {
            since = _queue.item(current.cursor).queuedAt();
        }
        if (since + _freezeTime > block.number) revert NothingToFreezeFor();
        current.head = current.proven;
        current.frozen = true;
        _write(current);
        emit Frozen(current.proven, epochs[current.proven]);
    }

    /// @inheritdoc IRollup
    function pauseEpochs(uint64 blocks) external onlyOwner {
        Status memory current = _running();
        uint64 untilBlock = Pauses.begin(current.pausedFrom, current.pausedUntil, blocks, _freezeTime);
        current.pausedFrom = uint40(block.number);
        current.pausedUntil = uint40(untilBlock);
        _write(current);
        emit EpochsPaused(untilBlock);
    }

    /// @inheritdoc IRollup
    function resumeEpochs() external onlyOwner {
        if (block.number > _running().pausedUntil) revert EpochsNotPaused();
        _status.pausedUntil = uint40(block.number) - 1;
        emit EpochsResumed();
    }

    /// @inheritdoc IRollup
    function scheduleVerifier(address member, bool open) external onlyOwner {
        _running();
        Member storage chosen = _members[member];
        if (chosen.lanes == 0) revert UnknownVerifier(member);
        uint64 fromBlock = uint64(block.number) + switchDelay();
        chosen.open = _isOpen(_members[member], block.number);
        chosen.scheduled = open;
        chosen.fromBlock = fromBlock;
        // Members change only where a switch takes effect, so these blocks stand for all that come.
        for (uint256 i = 0; i < _verifiers.length; i++) {
            _requireOneOpen(_members[_verifiers[i]].fromBlock);
        }
        emit VerifierScheduled(member, open, fromBlock);
    }

    /// @inheritdoc IRollup
    function verifiers() external view returns (address[] memory) {
        return _verifiers;
    }

    /// @inheritdoc IRollup
    function laneCount(address verifier) external view returns (uint256) {
        return _members[verifier].lanes;
    }

    /// @inheritdoc IRollup
    function dataMode(address verifier) external view returns (uint8) {
        return _members[verifier].dataMode;
    }

    /// @inheritdoc IRollup
    function verifierStatus(address member) external view returns (bool open, bool scheduled, uint64 fromBlock) {
        Member memory chosen = _members[member];
        return (_isOpen(chosen, block.number), chosen.scheduled, chosen.fromBlock);
    }

    /// @inheritdoc IRollup
    function switchDelay() public view returns (uint64) {
        return _forcedDeadline + _provingWindow + _freezeTime + LEAVE_TIME;
    }

    /// @dev Lanes and data mode of an open member.
    // slither-disable-next-line incorrect-equality
    function _openMember(address verifier) internal view returns (uint256 lanes, uint8 mode) {
        Member memory member = _members[verifier];
        (lanes, mode) = (member.lanes, member.dataMode);
        if (lanes == 0) revert UnknownVerifier(verifier);
        if (!_isOpen(member, block.number)) revert VerifierClosed(verifier);
    }

    function _requireNoPause(Status memory current) internal view {
        if (block.number <= current.pausedUntil) revert EpochsArePaused(current.pausedUntil);
    }

    /// @dev Overdue items must not need a blob, whose fee is another market's.
    function _requireOneOpen(uint256 atBlock) private view {
        if (atBlock < block.number) return;
        for (uint256 i = 0; i < _verifiers.length; i++) {
            Member memory member = _members[_verifiers[i]];
            if (member.dataMode != BLOB_MODE && _isOpen(member, atBlock)) return;
        }
        revert NoVerifierLeft(atBlock);
    }

    function _isOpen(Member memory member, uint256 atBlock) private pure returns (bool) {
        return atBlock < member.fromBlock ? member.open : member.scheduled;
    }
}
