//! A student's devices and organisations together, through a relay that only keeps and hands on.

#[cfg(test)]
mod carry;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod discharges;
#[cfg(test)]
mod erase;
#[cfg(test)]
mod files;
#[cfg(test)]
mod kept_back;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod office;
#[cfg(test)]
mod packs;
#[cfg(test)]
mod receipts;
#[cfg(test)]
mod reconcile;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod replace;
#[cfg(test)]
mod retire;
#[cfg(test)]
mod subsets;
#[cfg(test)]
mod void;
