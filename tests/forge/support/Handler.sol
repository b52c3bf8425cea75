// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {AssetId, ETH} from "../../../contracts/types/AssetId.sol";
import {EpochId} from "../../../contracts/types/EpochId.sol";
import {EpochFees, EpochRecord} from "../../../contracts/types/EpochRecord.sol";
import {Deployment} from "./Deployment.sol";
import {Epoch, EpochBuilder, Lane} from "./EpochBuilder.sol";
import {BlacklistingToken} from "./OddTokens.sol";

/// @title Does anything that users, operators and the owner may do, and keeps the books apart from the contracts
/// @dev What a circuit would guarantee is kept here: epochs withdraw and charge no more than their notes hold.
contract Handler is Deployment {
    struct Withdrawal {
        uint64 epoch;
        uint256 place;
        Lane lane;
        uint256 index;
        bool paid;
    }

    uint256 private constant LANES = 4;

    /// First broken promise; reverts inside a handler would go unnoticed.
    string public violation;
    /// By asset 1 and 2.
    uint256[3] public queued;
    uint256[3] public notes;
    uint256[3] public withdrawing;
    uint256[3] public fees;
    uint256 public deposits;
    uint256 public taken;
    uint256 public paidClaims;
    uint64 public provenEpochs;

    Lane[] private waiting;
    bytes32[] private waitingTails;
    Withdrawal[] private withdrawals;
    mapping(uint64 epoch => bytes32[]) private leavesOf;
    mapping(uint64 epoch => EpochFees) private epochFees;

    constructor() {
        deploy();
    }

    function depositEther(uint96 value, uint160 depositor) external {
        value = uint96(bound(value, 1, 1e24));
        (Lane memory lane, bytes32 tail) = depositWei(_user(depositor), value, deposits);
        _queued(lane, tail, 1, value);
    }

    function depositToken(uint96 value, uint160 depositor) external {
        value = uint96(bound(value, 1, 1e15));
        (Lane memory lane, bytes32 tail) = depositUsd(_user(depositor), value, deposits);
        _queued(lane, tail, 2, value);
    }

    function commit(uint256 seed) external {
        (Epoch memory epoch, bytes32[] memory tails) = _next(seed);
        commitEpoch(epoch, tails);
        _committed(epoch);
    }

    function commitAndProve(uint256 seed) external {
        if (provenEpochs != EpochId.unwrap(tip.id)) return;
        (Epoch memory epoch, bytes32[] memory tails) = _next(seed);
        settle(epoch, tails);
        _committed(epoch);
        _proved();
    }

    function prove() external {
        if (provenEpochs == EpochId.unwrap(tip.id)) return;
        EpochRecord memory record = recordOf[provenEpochs + 1];
        bytes memory proof = goodProof(record, address(this));
        rollup.prove(record, epochFees[provenEpochs + 1], address(this), proof);
        _proved();
    }

    function proveFalsely(uint256 seed) external {
        EpochRecord memory record = recordOf[uint64(bound(seed, 0, EpochId.unwrap(tip.id)))];
        try rollup.prove(record, epochFees[EpochId.unwrap(record.id)], address(this), new bytes(256)) {
            violation = "a false proof passed";
        } catch {}
    }

    function claim(uint256 seed) external {
        if (withdrawals.length == 0) return;
        Withdrawal storage chosen = withdrawals[bound(seed, 0, withdrawals.length - 1)];
        Lane memory lane = chosen.lane;
        (, bytes32[] memory proof) = EpochBuilder.prove(leavesOf[chosen.epoch], chosen.place);
        EpochRecord memory record = recordOf[chosen.epoch];
        address recipient = address(uint160(lane.recipient));
        uint256 before = _balance(recipient, lane.asset);
        AssetId asset = AssetId.wrap(uint64(lane.asset));
        try bridge.claim(summaryOf(record), chosen.index, asset, lane.value, lane.recipient, proof) {
            if (chosen.paid) violation = "a withdrawal was paid twice";
            if (chosen.epoch > provenEpochs) violation = "a pending epoch paid";
            if (_balance(recipient, lane.asset) - before != lane.value) violation = "another amount was paid";
            chosen.paid = true;
            withdrawing[lane.asset] -= lane.value;
            paidClaims++;
        } catch {
            if (!chosen.paid && chosen.epoch <= provenEpochs) violation = "a claim was refused";
        }
    }

    function withdrawFees(bool ether_) external {
        AssetId asset = ether_ ? ETH : USD;
        uint256 owed = bridge.feesOwed(feeRecipient, asset);
        vm.prank(feeRecipient);
        try bridge.withdrawFees(asset, address(0xcafe)) returns (uint256 value) {
            if (value != owed) violation = "other fees were paid";
            fees[AssetId.unwrap(asset)] -= value;
        } catch {
            if (owed != 0) violation = "fees were refused";
        }
    }

    function donate(uint96 value) external {
        usd.mint(address(bridge), value % 1e15);
        vm.deal(address(bridge), address(bridge).balance + value % 1e18);
    }

    function pause(uint64 blocks) external {
        vm.prank(owner);
        bridge.pauseDeposits(uint64(bound(blocks, 1, FREEZE_TIME / 4)));
    }

    function resume() external {
        vm.prank(owner);
        bridge.resumeDeposits();
    }

    function list(uint64 id) external {
        AssetId asset = AssetId.wrap(id);
        bool listed = bridge.isListed(asset);
        address token = address(new BlacklistingToken());
        vm.prank(owner);
        try bridge.listAsset(asset, token, 1) {
            if (listed || id < 2) violation = "an asset was listed again";
        } catch {}
    }

    function wait_(uint16 blocks) external {
        vm.roll(height() + bound(blocks, 1, 5_000));
    }

    function _queued(Lane memory lane, bytes32 tail, uint256 asset, uint256 value) private {
        waiting.push(lane);
        waitingTails.push(tail);
        queued[asset] += value;
        deposits++;
    }

    /// @dev A valid epoch: takes up to all lanes' worth of the queue, withdraws and charges from what notes hold.
    function _next(uint256 seed) private view returns (Epoch memory epoch, bytes32[] memory tails) {
        epoch = emptyEpoch(LANES);
        uint256 left = waiting.length - taken;
        uint256 take = bound(seed, left == 0 ? 0 : 1, left < LANES ? left : LANES);
        tails = new bytes32[](take);
        for (uint256 i = 0; i < take; i++) {
            epoch.lanes[i] = waiting[taken + i];
            tails[i] = waitingTails[taken + i];
        }
        epoch.header[5] += take;
        uint256[3] memory held = [0, notes[1], notes[2]];
        for (uint256 l = take; l < LANES; l++) {
            uint256 random = uint256(keccak256(abi.encode(seed, l)));
            uint256 asset = 1 + random % 2;
            uint256 value = held[asset] == 0 ? 0 : (random >> 8) % (held[asset] + 1);
            held[asset] -= value;
            epoch.lanes[l] = value == 0
                ? transferLane(random)
                : withdrawalLane(random, asset, value, 0x10000 + ((random >> 128) & 0xff));
        }
        for (uint256 asset = 1; asset < 3; asset++) {
            epoch.header[5 + asset] = asset;
            epoch.header[9 + asset] = held[asset] / 1000;
        }
    }

    function _committed(Epoch memory epoch) private {
        uint64 id = EpochId.unwrap(tip.id);
        epochFees[id] = feesOf(epoch);
        (bytes32[] memory leaves, uint256[] memory lanes) = EpochBuilder.withdrawals(epoch);
        leavesOf[id] = leaves;
        for (uint256 i = 0; i < leaves.length; i++) {
            Lane memory lane = epoch.lanes[lanes[i]];
            notes[lane.asset] -= lane.value;
            withdrawing[lane.asset] += lane.value;
            withdrawals.push(Withdrawal(id, i, lane, lanes[i], false));
        }
        for (uint256 l = 0; l < LANES; l++) {
            if (epoch.lanes[l].kind != 2) continue;
            queued[epoch.lanes[l].asset] -= epoch.lanes[l].value;
            notes[epoch.lanes[l].asset] += epoch.lanes[l].value;
            taken++;
        }
        for (uint256 asset = 1; asset < 3; asset++) {
            notes[asset] -= epoch.header[9 + asset];
            fees[asset] += epoch.header[9 + asset];
        }
    }

    function _proved() private {
        provenEpochs++;
    }

    function _balance(address account, uint256 asset) private view returns (uint256) {
        return asset == 1 ? account.balance : usd.balanceOf(account);
    }

    function _user(uint160 account) private pure returns (address) {
        return address(0x100000 + account % 0x100);
    }

    function contracts() external view returns (address, address, address, address) {
        return (address(rollup), address(bridge), address(queue), address(usd));
    }

    function recordHash(uint64 id) external view returns (bytes32) {
        return hashOf(recordOf[id]);
    }

    function tipId() external view returns (uint64) {
        return EpochId.unwrap(tip.id);
    }
}
