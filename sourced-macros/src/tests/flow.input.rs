impl Cart {
    #[command]
    fn place(&self) -> Result<(Placed, Option<Discounted>), CartError> {
        Err(CartError)
    }
    #[command]
    fn clear(&self) -> Result<Vec<Removed>, sourced::Failure> {
        Ok(Vec::new())
    }
    #[command]
    async fn send(&self, _: &send::Mail) -> Result<(), Failure> {
        Ok(())
    }
    #[command]
    fn give(&self, to: Other<Cart>) -> Result<(Removed, Elsewhere<Placed>), Rejected<Full>> {
        Ok((Removed, to.emit(Placed)))
    }
    #[command]
    fn lend(&self, n: u8, #[stream(format!("friend-{n}"))] to: Other<Cart>) -> Elsewhere<Removed> {
        to.emit(Removed)
    }
    #[command]
    fn fill(&self, emit: &mut Emitter<Self, (Placed, Removed)>) -> Result<(), Infallible> {
        Ok(())
    }
    #[command]
    fn empty(&self, emit: &mut Emitter<Self>) -> Result<(), PaymentFailure> {
        Ok(())
    }
    #[event]
    fn placed(&mut self) {}
    #[event]
    fn discounted(&mut self) {}
    #[event]
    fn removed(&mut self) {}
    #[reaction]
    fn rest(&self) {}
    #[reaction]
    fn pay(&self, _: &Placed) -> [(Outgoing<Charge>, note::Write); 1] {
        [(Charge.to("payment-1"), note::Write)]
    }
    #[reaction]
    fn tell(&self, _: &stock::Gone) -> Option<Charge> {
        None
    }
}
